// swift-tools-version: 6.2
import PackageDescription

// Measures RxCore alone: two endpoints in one process, datagrams handed over in memory. The sources are the
// project's own, by symbolic link, so that this package can be built for speed without touching the product's build.
//
//   swift run -c release --package-path contrib/bench/rxpump rxpump

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "rxpump",
  dependencies: [.package(url: "https://github.com/apple/swift-collections", from: "1.6.0")],
  targets: [
    .target(name: "AFSBase", swiftSettings: settings),
    .target(name: "AFSTypes", dependencies: ["AFSBase"], swiftSettings: settings),
    .target(
      name: "RxCore",
      dependencies: ["AFSBase", "AFSTypes", .product(name: "Collections", package: "swift-collections")],
      swiftSettings: settings),
    .executableTarget(name: "rxpump", dependencies: ["AFSBase", "AFSTypes", "RxCore"], swiftSettings: settings),
  ]
)
