// swift-tools-version: 6.2
import PackageDescription

// Fuzzers, for libFuzzer: `contrib/fuzz/run SECONDS [ENTRY ...]`. The sources are the project's own, by symbolic link,
// so that the sanitizer's flags touch no build of the product. What is fuzzed is in Tests/FuzzTests/Entries.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .unsafeFlags(["-sanitize=fuzzer", "-enable-testing", "-parse-as-library"]),
]

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-collections", from: "1.6.0")],
  targets: [
    .target(name: "AFSBase", swiftSettings: settings),
    .target(name: "AFSTypes", dependencies: ["AFSBase"], swiftSettings: settings),
    .target(
      name: "RxCore",
      dependencies: ["AFSBase", "AFSTypes", .product(name: "Collections", package: "swift-collections")],
      swiftSettings: settings),
    .target(name: "CCrypto", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CLinuxShims", linkerSettings: [.linkedLibrary("resolv")]),
    .systemLibrary(name: "CKeyutils"),
    .systemLibrary(name: "CKrb5", pkgConfig: "krb5"),
    .target(
      name: "RxSecurity", dependencies: ["AFSBase", "AFSTypes", "RxCore", "CCrypto"], swiftSettings: settings),
    .target(
      name: "AFSCredentials",
      dependencies: ["AFSBase", "AFSTypes", "RxCore", "RxSecurity", "CKeyutils", "CKrb5", "CLinuxShims"],
      swiftSettings: settings),
    .executableTarget(
      name: "fuzz", dependencies: ["AFSBase", "AFSTypes", "RxCore", "RxSecurity", "AFSCredentials"],
      swiftSettings: settings,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]),
  ]
)
