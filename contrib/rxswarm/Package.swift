// swift-tools-version: 6.2
import PackageDescription

// Runs the simulation of two endpoints for as many seeds as wanted (contrib/rx-swarm). The sources are the project's
// own, by symbolic link, so that this package can be built for speed, with assertions, without the product's build.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")

let package = Package(
  name: "rxswarm",
  dependencies: [.package(url: "https://github.com/apple/swift-collections", from: "1.6.0")],
  targets: [
    .target(name: "AFSBase", swiftSettings: settings),
    .target(name: "AFSTypes", dependencies: ["AFSBase"], swiftSettings: settings),
    .target(name: "RxCore", dependencies: ["AFSBase", "AFSTypes", collections], swiftSettings: settings),
    .target(
      name: "RxTesting", dependencies: ["AFSBase", "AFSTypes", "RxCore", collections], swiftSettings: settings),
    .executableTarget(name: "rxswarm", dependencies: ["AFSBase", "RxTesting"], swiftSettings: settings),
  ]
)
