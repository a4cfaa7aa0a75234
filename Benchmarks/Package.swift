// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that users of the library do not even fetch the clients that it is compared with.
// One program for each client: what a process links and does is then all its own, CPU time and peak memory included.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "AllocationCounter", type: .dynamic, targets: ["AllocationCounter"])
    ],
    dependencies: [
        // With a name, because the folder above may be called anything.
        .package(name: "swift-http-handles", path: ".."),
        .package(url: "https://github.com/swift-server/async-http-client", .upToNextMinor(from: "1.37.0")),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    ],
    targets: [
        // Counts malloc calls when it is preloaded.
        .target(name: "AllocationCounter"),
        // Clock, CPU time, memory and the measured window: the same code in every client.
        .target(name: "CMeasurement"),
        // Requests that are never answered, and a sink for uploads.
        .executableTarget(name: "benchmark-server"),

        // What is measured, for every client in Swift.
        .target(name: "BenchmarkWorkloads", dependencies: ["CMeasurement"], swiftSettings: settings),
        .executableTarget(
            name: "benchmark-http-handles",
            dependencies: ["BenchmarkWorkloads", .product(name: "HTTPHandles", package: "swift-http-handles")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "benchmark-async-http-client",
            dependencies: [
                "BenchmarkWorkloads",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "benchmark-foundation",
            dependencies: ["BenchmarkWorkloads"],
            swiftSettings: settings
        ),
        // The same workloads on libcurl's own event interface.
        .executableTarget(
            name: "benchmark-libcurl",
            dependencies: ["CMeasurement"],
            linkerSettings: [.linkedLibrary("curl")]
        ),
    ]
)
