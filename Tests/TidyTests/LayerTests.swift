import Testing

/// The layer table of Docs/architecture.md: a target imports only targets of lower layers.
@Suite struct LayerTests {
  /// Layer number of every target. The table in Docs/architecture.md shows the same.
  static let layers: [String: Int] = [
    "AFSBase": 0, "CFuse3": 0, "CKeyutils": 0, "CKrb5": 0, "CLinuxShims": 0, "CCrypto": 0,
    "XDR": 1, "AFSTypes": 1,
    "RxCore": 2,
    "RxTransport": 3, "RxSecurity": 3, "RxGen": 3,
    "Rx": 4, "AFSRPC": 4, "AFSCache": 4, "AFSCredentials": 4,
    "AFSClient": 5, "RxTesting": 5,
    "AFSFuse": 6, "AFSControl": 6, "AFSMockServer": 6, "ProgramEnd": 6,
    "afsfuse": 7, "afsmock": 7, "rxgen": 7, "rxperf": 7,
  ]

  /// Imports within one layer which the architecture allows.
  static let sameLayer: Set<String> = ["AFSTypes>AFSBase"]

  static func importedModule(_ line: Substring) -> String? {
    var words = line.split(separator: " ")
    while let first = words.first,
      ["public", "package", "internal", "private", "@_exported", "@testable"].contains(first)
    {
      words.removeFirst()
    }
    guard words.first == "import", words.count >= 2 else { return nil }
    return String(words[1].split(separator: ".")[0])
  }

  @Test("Every target has its place in the layer table")
  func complete() throws {
    let targets = Set(try SourceTree.swiftFiles(below: "Sources").map(\.target))
    #expect(!targets.isEmpty)
    #expect(targets.subtracting(Self.layers.keys).isEmpty)
  }

  @Test("A target imports only targets of lower layers")
  func downwards() throws {
    var imports = 0
    for file in try SourceTree.swiftFiles(below: "Sources") {
      let own = try #require(Self.layers[file.target])
      for line in file.lines {
        guard let module = Self.importedModule(line), let layer = Self.layers[module] else { continue }
        imports += 1
        #expect(
          layer < own || Self.sameLayer.contains("\(file.target)>\(module)"),
          "\(file.path) imports \(module), which does not lie below \(file.target)")
      }
    }
    #expect(imports > 50)
  }

  @Test("Docs/architecture.md shows every target")
  func documented() throws {
    let text = try SourceTree.text("Docs/architecture.md")
    for target in Self.layers.keys {
      #expect(text.contains("`\(target)`"), "\(target) is missing in Docs/architecture.md")
    }
  }
}
