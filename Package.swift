// swift-tools-version: 6.2
import PackageDescription

/// The settings of all targets.
var settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
]
// Warnings are errors in CI only, not for dependents: a newer compiler may have new warnings.
if Context.environment["HTTP_HANDLES_WARNINGS_AS_ERRORS"] != nil {
    settings.append(.treatAllWarnings(as: .error))
}

// What Logging, Metrics and Tracing have in common.
settings.append(.define("TELEMETRY", .when(traits: ["Logging", "Metrics", "Tracing"])))

// ThreadSanitizer needs a special lock: Sources/HTTPHandlesLock.
if Context.environment["HTTP_HANDLES_THREAD_SANITIZER"] != nil {
    settings.append(.define("THREAD_SANITIZER"))
}

let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
/// A product that is built only with a trait of its own.
func product(_ name: String, _ package: String, trait: String) -> Target.Dependency {
    .product(name: name, package: package, condition: .when(traits: [trait]))
}
let ofTraits = [
    product("RawStructuredFieldValues", "swift-http-structured-headers", trait: "StructuredFields"),
    product("Logging", "swift-log", trait: "Logging"),
    product("Metrics", "swift-metrics", trait: "Metrics"),
    product("Tracing", "swift-distributed-tracing", trait: "Tracing"),
    product("ServiceLifecycle", "swift-service-lifecycle", trait: "ServiceLifecycle"),
    product("NIOCore", "swift-nio", trait: "NIO"),
]
/// Test kits, and back ends in memory.
let ofTestTraits = [
    product("InMemoryLogging", "swift-log", trait: "Logging"),
    product("MetricsTestKit", "swift-metrics", trait: "Metrics"),
    product("InMemoryTracing", "swift-distributed-tracing", trait: "Tracing"),
    product("ServiceLifecycleTestKit", "swift-service-lifecycle", trait: "ServiceLifecycle"),
]
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "swift-http-handles",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "HTTPHandles", targets: ["HTTPHandles"]),
        .library(name: "HTTPHandlesFoundation", targets: ["HTTPHandlesFoundation"]),
        .library(name: "HTTPHandlesTesting", targets: ["HTTPHandlesTesting"]),
        .executable(name: "http-handles", targets: ["http-handles"]),
    ],
    traits: [
        .trait(name: "Brotli", description: "Content decoding of brotli; needs libbrotli-dev."),
        .trait(name: "Zstd", description: "Content decoding of zstd; needs libzstd-dev."),
        .trait(name: "StructuredFields", description: "Structured fields (RFC 9651)."),
        .trait(name: "Logging", description: "Log messages of requests and sessions (swift-log)."),
        .trait(name: "Metrics", description: "Metrics of OpenTelemetry's HTTP conventions (swift-metrics)."),
        .trait(name: "Tracing", description: "A span for each request, and propagation (swift-distributed-tracing)."),
        .trait(name: "ServiceLifecycle", description: "A session as a service (swift-service-lifecycle)."),
        .trait(name: "FoundationNetworking", description: "URLRequest and HTTPURLResponse, also on Linux."),
        .trait(name: "NIO", description: "Bodies of ByteBuffers (swift-nio)."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.3.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.9.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.96.0"),
    ],
    targets: [
        // The modules, in the order of their dependencies: Docs/Architecture.md. Checked by Scripts/check-modules.
        .systemLibrary(
            name: "CHTTPHandlesCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]
        ),
        .systemLibrary(name: "CHTTPHandlesZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CHTTPHandlesBrotli", pkgConfig: "libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
        .systemLibrary(name: "CHTTPHandlesZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "HTTPHandlesSystem", swiftSettings: settings),
        .target(name: "HTTPHandlesLock", dependencies: ["HTTPHandlesSystem"], swiftSettings: settings),
        .target(name: "HTTPHandlesCore", dependencies: [httpTypes], swiftSettings: settings),
        .target(
            name: "HTTPHandlesDriver",
            dependencies: [
                "CHTTPHandlesCurl", "CHTTPHandlesZlib", "HTTPHandlesCore", "HTTPHandlesLock", "HTTPHandlesSystem",
                httpTypes,
                .target(name: "CHTTPHandlesBrotli", condition: .when(traits: ["Brotli"])),
                .target(name: "CHTTPHandlesZstd", condition: .when(traits: ["Zstd"])),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "HTTPHandles",
            dependencies: ["HTTPHandlesCore", "HTTPHandlesDriver", "HTTPHandlesLock", httpTypes] + ofTraits,
            swiftSettings: settings
        ),
        .target(name: "HTTPHandlesFoundation", dependencies: ["HTTPHandles", httpTypes], swiftSettings: settings),
        .target(
            name: "HTTPHandlesTesting",
            dependencies: [
                "HTTPHandles", "HTTPHandlesLock", "HTTPHandlesSystem", "HTTPHandlesTimeline", httpTypes,
            ],
            swiftSettings: settings
        ),
        .target(name: "HTTPHandlesTimeline", dependencies: ["HTTPHandlesCore", httpTypes], swiftSettings: settings),
        .target(name: "HTTPHandlesCommandLine", swiftSettings: settings),
        .executableTarget(
            name: "http-handles",
            dependencies: [
                "HTTPHandles", "HTTPHandlesCommandLine", "HTTPHandlesDriver", "HTTPHandlesLock", "HTTPHandlesTesting",
                "HTTPHandlesTimeline", httpTypes, argumentParser,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPHandlesCoreTests",
            dependencies: ["HTTPHandlesCore", httpTypes],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPHandlesTimelineTests",
            dependencies: ["HTTPHandlesTimeline", "HTTPHandlesCore", httpTypes],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPHandlesCommandLineTests",
            dependencies: ["HTTPHandlesCommandLine"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPHandlesDriverTests",
            dependencies: [
                "CHTTPHandlesCurl", "HTTPHandlesDriver", "HTTPHandlesCore", "HTTPHandlesLock", "HTTPHandlesSystem",
                "HTTPHandlesTesting", httpTypes,
            ],
            swiftSettings: settings
        ),
        // Programs for tests that need a separate process.
        .target(
            name: "TransfersInEveryPhase",
            dependencies: ["HTTPHandles", "HTTPHandlesSystem", "HTTPHandlesTesting", httpTypes],
            path: "Tests/TransfersInEveryPhase",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "TestProgram",
            dependencies: [
                "HTTPHandles", "HTTPHandlesLock", "HTTPHandlesSystem", "HTTPHandlesTesting", "TransfersInEveryPhase",
            ],
            path: "Tests/TestProgram",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "FoundationTestProgram",
            dependencies: ["HTTPHandles", "TransfersInEveryPhase"],
            path: "Tests/FoundationTestProgram",
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPHandlesTests",
            dependencies: [
                "HTTPHandles", "HTTPHandlesCommandLine", "HTTPHandlesFoundation", "HTTPHandlesLock",
                "HTTPHandlesSystem", "HTTPHandlesTesting", "HTTPHandlesTimeline", httpTypes, "TransfersInEveryPhase",
                "TestProgram", "FoundationTestProgram",
            ] + ofTraits + ofTestTraits,
            swiftSettings: settings
        ),
    ]
)

// Built only by Scripts/fuzz: its `main` is in libFuzzer.
if Context.environment["HTTP_HANDLES_FUZZER"] != nil {
    package.targets.append(
        .executableTarget(
            name: "parser-fuzzing",
            dependencies: ["HTTPHandles", "HTTPHandlesCore", "HTTPHandlesDriver", "HTTPHandlesTesting", httpTypes],
            path: "Tests/Fuzzing",
            exclude: ["Corpus"],
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]
        )
    )
}
