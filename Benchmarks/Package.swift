// swift-tools-version: 6.3
import PackageDescription

// A separate package, so that users of the library do not fetch the other clients.
// One program for each client, so that CPU time and peak memory of a process belong to one client only.

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
        // With a name, because the name of the parent folder may differ.
        .package(name: "swift-http-handles", path: ".."),
        .package(url: "https://github.com/swift-server/async-http-client", .upToNextMinor(from: "1.37.0")),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    ],
    targets: [
        // Counts malloc calls; loaded with LD_PRELOAD.
        .target(name: "AllocationCounter"),
        // Clock, CPU time, memory and the measured window: the same code in every client.
        .target(name: "CMeasurement"),
        // Accepts connections and waits for them: the same code in both servers.
        .target(name: "CServerLoop"),
        // Holds requests without answering them, and discards uploads.
        .executableTarget(name: "benchmark-server", dependencies: ["CServerLoop"]),
        // Sends WebSocket messages back, discards them, or floods.
        .executableTarget(
            name: "benchmark-websocket-server",
            dependencies: ["CServerLoop"],
            linkerSettings: [.linkedLibrary("z")]
        ),

        // The workloads of all clients in Swift.
        .target(name: "BenchmarkWorkloads", dependencies: ["CMeasurement"], swiftSettings: settings),
        .executableTarget(
            name: "benchmark-http-handles",
            dependencies: ["BenchmarkWorkloads", .product(name: "HTTPHandles", package: "swift-http-handles")],
            swiftSettings: settings
        ),
        // Loops over single bytes.
        .executableTarget(
            name: "benchmark-bytes",
            dependencies: [.product(name: "HTTPHandles", package: "swift-http-handles")],
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
        // WebSockets of SwiftNIO alone: AsyncHTTPClient has none.
        .executableTarget(
            name: "benchmark-websocket-nio",
            dependencies: [
                "BenchmarkWorkloads",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
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
            linkerSettings: [.linkedLibrary("curl"), .linkedLibrary("z")]
        ),
    ]
)
