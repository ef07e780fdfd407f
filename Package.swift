// swift-tools-version: 6.2
import PackageDescription

/// Language settings of targets which see CFuse3: libfuse's headers and Swift's Glibc module both define the C library's
/// structures (`stat`, `timespec` ...), and to which of the two modules a member belongs depends on the order in which
/// the compiler reads them, so that the members' visibility cannot be asked for.
let fuseSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]
let seesFuse: Set<String> = ["AFSFuse", "afsfuse", "AFSFuseTests", "MountTests", "afsfuseTests"]

/// Those of all others.
let settings: [SwiftSetting] = fuseSettings + [.enableUpcomingFeature("MemberImportVisibility")]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

/// One library target; `dependencies` must lie in lower layers (`TidyTests` enforces the table in Docs/architecture.md).
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: seesFuse.contains(name) ? fuseSettings : settings)
}

func command(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: path, swiftSettings: seesFuse.contains(name) ? fuseSettings : settings
  )
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, resources: resources,
    swiftSettings: seesFuse.contains(name) ? fuseSettings : settings)
}

let package = Package(
  name: "afsfuse",
  products: [
    .executable(name: "afsfuse", targets: ["afsfuse"]),
    .executable(name: "afsmock", targets: ["afsmock"]),
    .executable(name: "rxgen", targets: ["rxgen"]),
    .executable(name: "rxperf", targets: ["rxperf"]),
    .library(name: "AFSClient", targets: ["AFSClient"]),
    .library(name: "librx", targets: ["Rx", "RxCore", "RxTransport"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    // 0 base
    library("AFSBase"),
    .target(name: "CLinuxShims", linkerSettings: [.linkedLibrary("resolv")]),
    .systemLibrary(name: "CKeyutils", providers: [.apt(["libkeyutils-dev"])]),
    .systemLibrary(name: "CKrb5", providers: [.apt(["libkrb5-dev"])]),
    .systemLibrary(name: "CFuse3", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .target(name: "CCrypto", linkerSettings: [.linkedLibrary("crypto")]),
    // 1 encoding
    library("XDR", ["AFSBase"]),
    library("AFSTypes", ["AFSBase"]),
    // 2 protocol
    library("RxCore", ["AFSBase", "AFSTypes", collections]),
    // 3 drivers
    library("RxTransport", ["AFSBase", "AFSTypes", "RxCore", "CLinuxShims", collections, logging, system]),
    library("Rx", ["AFSBase", "AFSTypes", "RxCore", "RxTransport", system]),
    library("RxSecurity", ["AFSBase", "AFSTypes", "RxCore", "CCrypto"]),
    library("RxGen", ["AFSBase"]),
    // 4 interfaces
    .target(
      name: "AFSRPC", dependencies: ["AFSBase", "AFSTypes", "XDR", "RxCore", "RxTransport"], exclude: ["Interfaces"],
      swiftSettings: settings),
    library("AFSCache", ["AFSBase", "AFSTypes", "CLinuxShims", collections, logging, system]),
    library("AFSCredentials", ["AFSBase", "AFSTypes", "RxCore", "RxSecurity", "CKeyutils", "CKrb5", "CLinuxShims"]),
    // 5 client
    library(
      "AFSClient",
      [
        "AFSBase", "AFSTypes", "XDR", "RxCore", "RxTransport", "RxSecurity", "AFSRPC", "AFSCache", "AFSCredentials",
        "CLinuxShims", collections, logging, system,
      ]),
    library("RxTesting", ["AFSBase", "AFSTypes", "RxCore", "RxTransport", collections]),
    // 6 front ends
    library(
      "AFSFuse",
      ["AFSBase", "AFSTypes", "AFSClient", "AFSCredentials", "CFuse3", "CLinuxShims", collections, logging, system]),
    library("AFSControl", ["AFSBase", "AFSTypes", "CLinuxShims", logging, system]),
    library(
      "AFSMockServer",
      [
        "AFSBase", "AFSTypes", "XDR", "RxCore", "RxTransport", "RxSecurity", "AFSRPC", "AFSClient", collections,
        logging, system,
      ]),
    library("ProgramEnd", ["AFSBase", argumentParser]),
    // 7 executables
    command(
      "afsfuse",
      [
        "AFSBase", "AFSTypes", "RxCore", "RxTransport", "RxSecurity", "AFSCache", "AFSClient", "AFSCredentials",
        "AFSFuse",
        "AFSControl", "AFSRPC", "CLinuxShims", argumentParser, logging, system,
      ]),
    command(
      "afsmock",
      [
        "AFSBase", "AFSTypes", "RxCore", "RxTransport", "RxSecurity", "AFSCredentials", "AFSMockServer", "ProgramEnd",
        argumentParser, logging, system,
      ]),
    command("rxgen", ["AFSBase", "RxGen", argumentParser]),
    command(
      "rxperf", ["AFSBase", "AFSTypes", "RxCore", "RxTransport", "AFSControl", "ProgramEnd", argumentParser, logging]),
    // tests
    tests("AFSBaseTests", ["AFSBase"]),
    tests(
      "AFSClientTests",
      [
        "AFSBase", "AFSTypes", "RxCore", "RxTransport", "RxTesting", "AFSRPC", "AFSCache", "AFSCredentials",
        "AFSClient", "TestFolders", logging, system,
      ]),
    tests(
      "RxTransportTests",
      ["AFSBase", "AFSTypes", "RxCore", "RxTransport", "CLinuxShims", "TestFolders", logging, system]),
    tests("RxSecurityTests", ["AFSBase", "AFSTypes", "RxCore", "RxSecurity", "RxTesting", "CCrypto"]),
    tests("RxTestingTests", ["AFSBase", "AFSTypes", "RxCore", "RxTransport", "RxTesting"]),
    tests("RxCoreTests", ["AFSBase", "AFSTypes", "RxCore", "RxSecurity", "RxTesting", collections]),
    tests("AFSCacheTests", ["AFSBase", "AFSTypes", "AFSCache", "TestFolders"]),
    tests("AFSMockServerTests", ["AFSBase", "AFSTypes", "AFSMockServer"]),
    tests("AFSCredentialsTests", ["AFSBase", "AFSTypes", "AFSCredentials", "CKeyutils"]),
    tests("XDRTests", ["AFSBase", "XDR"]),
    tests("AFSTypesTests", ["AFSTypes"]),
    .testTarget(
      name: "RxGenTests", dependencies: ["RxGen"], exclude: ["Golden"],
      swiftSettings: settings),
    tests("AFSRPCTests", ["AFSBase", "AFSTypes", "XDR", "RxCore", "RxTransport", "AFSRPC"]),
    .target(name: "TestFolders", path: "Tests/TestFolders", swiftSettings: settings),
    .target(name: "TestThreads", dependencies: ["AFSBase"], path: "Tests/TestThreads", swiftSettings: settings),
    .target(
      name: "TestWorld",
      dependencies: [
        "AFSBase", "AFSTypes", "RxCore", "RxTransport", "RxSecurity", "RxTesting", "AFSCache", "AFSCredentials",
        "AFSClient", "AFSMockServer", "TestFolders", logging, system,
      ], path: "Tests/TestWorld", swiftSettings: settings),
    tests(
      "SimulationTests",
      [
        "AFSBase", "AFSTypes", "RxCore", "RxTransport", "RxSecurity", "RxTesting", "AFSRPC", "AFSClient",
        "AFSMockServer", "TestWorld",
      ]),
    tests("ModelTests", ["AFSBase", "AFSTypes", "AFSCache", "RxTesting", "AFSClient", "AFSMockServer", "TestWorld"]),
    tests(
      "MountTests",
      [
        "AFSBase", "AFSTypes", "RxCore", "RxTransport", "AFSCache", "AFSClient", "AFSMockServer", "AFSFuse",
        "TestFolders", "TestThreads", "TestWorld", logging, system,
      ]),
    tests("FuzzTests", ["AFSBase", "AFSTypes", "RxCore", "RxSecurity", "AFSCredentials"]),
    command("rxexample-client", ["Rx"], path: "contrib/examples/client"),
    command("rxexample-file", ["Rx"], path: "contrib/examples/file"),
    command("rxexample-server", ["Rx"], path: "contrib/examples/server"),
    command("rxexample-file-server", ["Rx"], path: "contrib/examples/file-server"),
    tests("RxTests", ["AFSBase", "Rx"]),
    tests("TidyTests", []),
    .target(name: "CTestCalls", path: "Tests/CTestCalls"),
    tests(
      "AFSFuseTests",
      [
        "AFSBase", "AFSTypes", "RxTransport", "AFSClient", "AFSCredentials", "AFSFuse", "CTestCalls", "TestFolders",
        "TestThreads", logging,
      ]),
    tests("AFSControlTests", ["AFSBase", "AFSControl", "TestFolders", logging]),
    tests("rxperfTests", ["AFSBase", "AFSTypes", "RxCore", "RxTransport", "ProgramEnd", "rxperf", argumentParser]),
    tests(
      "afsmockTests",
      [
        "afsmock", "AFSBase", "AFSTypes", "RxCore", "RxSecurity", "RxTesting", "RxTransport", "AFSRPC",
        "AFSCredentials", "AFSMockServer", "ProgramEnd", "TestWorld", "TestFolders", argumentParser,
      ]),
    tests(
      "afsfuseTests",
      [
        "AFSBase", "RxTransport", "afsfuse", "AFSFuse", "AFSControl", "TestFolders", "TestThreads", argumentParser,
        logging,
      ]),
  ]
)
