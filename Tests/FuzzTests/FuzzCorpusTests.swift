import AFSBase
import Glibc
import Testing

/// Replays what the fuzzers have kept: the corpus, and every input that once failed.
@Suite struct FuzzCorpusTests {
  private static let folder =
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    .joined(separator: "/") + "/contrib/fuzz"

  private static func files(in path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(path + "/" + name) }
    }
    return names.sorted()
  }

  private static func read(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"), "\(path)")
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    return bytes
  }

  @Test("Every kept input passes", arguments: FuzzEntry.all.map(\.name))
  func replay(name: String) throws {
    let entry = try #require(FuzzEntry.all.first { $0.name == name })
    let corpus = Self.files(in: "\(Self.folder)/corpus/\(name)")
    #expect(!corpus.isEmpty, "no corpus: contrib/fuzz/run makes one")
    for path in corpus + Self.files(in: "\(Self.folder)/FailCases/\(name)") {
      try Self.read(path).withUnsafeBytes(entry.run)
    }
  }

  @Test("Random inputs pass", arguments: FuzzEntry.all.map(\.name))
  func random(name: String) throws {
    let entry = try #require(FuzzEntry.all.first { $0.name == name })
    var generator = SeededGenerator(seed: 7)
    for round in 0..<200 {
      let bytes = (0..<(round * 10)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      bytes.withUnsafeBytes(entry.run)
    }
  }
}
