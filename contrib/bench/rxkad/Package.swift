// swift-tools-version: 6.2
import PackageDescription

// rxkad alone: how fast the cipher is, and whether a real fileserver understands us. The sources are the project's own,
// by symbolic link, so that this package can be built for speed without touching the product's build.
//
//   swift run -c release --package-path contrib/bench/rxkad rxkadbench cipher
//   contrib/bench/rxkad/check        (needs contrib/testcell up)
//   contrib/bench/rx/halfopen        (a server and clients of it, with `serve` and `call`)

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
  name: "rxkadbench",
  dependencies: [
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    library("AFSBase", []),
    .target(name: "CCrypto", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CLinuxShims", linkerSettings: [.linkedLibrary("resolv")]),
    library("AFSTypes", ["AFSBase"]),
    library("RxCore", ["AFSBase", "AFSTypes", collections]),
    library("RxSecurity", ["AFSBase", "AFSTypes", "RxCore", "CCrypto"]),
    library("RxTransport", ["AFSBase", "AFSTypes", "RxCore", "CLinuxShims", collections, logging, system]),
    .executableTarget(
      name: "rxkadbench", dependencies: ["AFSBase", "AFSTypes", "RxCore", "RxSecurity", "RxTransport"],
      swiftSettings: settings),
  ]
)
