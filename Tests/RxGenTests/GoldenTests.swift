import Foundation
import RxGen
import Testing

/// The generator's output for the interfaces in `Golden`, file by file. To accept a change:
/// `contrib/check-generated --write`.
@Suite struct GoldenTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func files(in folder: String, suffix: String) throws -> [String: String] {
    let url = root.appending(path: folder)
    let names = try FileManager.default.contentsOfDirectory(atPath: url.path).filter { $0.hasSuffix(suffix) }
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try String(contentsOf: url.appending(path: $0), encoding: .utf8)) })
  }

  @Test("The generator's output is what the golden files hold")
  func golden() throws {
    let sources = try Self.files(in: "Tests/RxGenTests/Golden", suffix: ".xg")
    let expected = try Self.files(in: "Tests/RxGenTests/Golden", suffix: ".swift.golden")
    let outputs = try Generator(sources: sources).generateAll()
    #expect(outputs.map { $0.name + ".golden" }.sorted() == expected.keys.sorted())
    for output in outputs {
      #expect(output.text == expected[output.name + ".golden"], "\(output.name) differs from its golden file")
    }
  }

  @Test("The committed stubs are what the interfaces give")
  func committedStubs() throws {
    let sources = try Self.files(in: "Sources/AFSRPC/Interfaces", suffix: ".xg")
    let committed = try Self.files(in: "Sources/AFSRPC/Generated", suffix: ".swift")
    let outputs = try Generator(sources: sources).generateAll()
    #expect(outputs.map(\.name).sorted() == committed.keys.sorted())
    for output in outputs {
      #expect(output.text == committed[output.name], "\(output.name): run rxgen")
    }
  }
}
