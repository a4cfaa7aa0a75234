// swift-tools-version: 6.2
import PackageDescription

// A separate package, so that users of the library do not fetch what only the examples need.
// Each program is a library with its logic, which the tests run, and an executable with its arguments.

let warningsAsErrors = Context.environment["HTTP_HANDLES_WARNINGS_AS_ERRORS"] != nil
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ] + (warningsAsErrors ? [.treatAllWarnings(as: .error)] : [])

let handles = Target.Dependency.product(name: "HTTPHandles", package: "swift-http-handles")
let json = Target.Dependency.product(name: "HTTPHandlesFoundation", package: "swift-http-handles")
let testing = Target.Dependency.product(name: "HTTPHandlesTesting", package: "swift-http-handles")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A program, and the library with its logic.
func program(_ name: String, _ library: String, _ dependencies: [Target.Dependency] = []) -> [Target] {
    [
        .target(name: library, dependencies: [handles] + dependencies, swiftSettings: settings),
        .executableTarget(
            name: name,
            dependencies: [.target(name: library), handles, argumentParser] + dependencies,
            swiftSettings: settings
        ),
    ]
}

let package = Package(
    name: "Examples",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "swift-http-handles", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        // For the reverse proxy only. Most of the time of a first build is theirs.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        .target(
            name: "ExamplesTestSupport",
            dependencies: [testing],
            path: "Tests/ExamplesTestSupport",
            swiftSettings: settings
        ),
        .testTarget(
            name: "ExamplesTests",
            dependencies: [
                "RESTClient", "Crawling", "Downloading", "Feeds", "HealthChecks", "WinHTTPAsync", "downloader",
                "ExamplesTestSupport", handles, testing,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ReverseProxyTests",
            dependencies: ["ReverseProxy", "ExamplesTestSupport", handles, testing, hummingbird],
            swiftSettings: settings
        ),
    ]
)
package.targets += program("rest-client", "RESTClient", [json])
package.targets += program("crawler", "Crawling")
package.targets += program("downloader", "Downloading")
package.targets += program("feed", "Feeds", [json])
package.targets += program("health-checker", "HealthChecks")
package.targets += program("winhttp-async", "WinHTTPAsync")
package.targets += program("reverse-proxy", "ReverseProxy", [hummingbird, hummingbirdCore, logging, nio])
