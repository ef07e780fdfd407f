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

  /// WRITE_SEEDS=1 puts them into the corpus, when a protocol's form or a fuzzer's own input has changed.
  @Test("Good input of each kind passes, and begins the corpus")
  func seeds() throws {
    for (number, seed) in (FuzzEntry.rxkadSeeds + FuzzEntry.keyringSeeds).enumerated() {
      let entry = try #require(FuzzEntry.all.first { $0.name == seed.entry })
      seed.bytes.withUnsafeBytes(entry.run)
      let path = "\(Self.folder)/corpus/\(seed.entry)/seed-\(number)"
      if getenv("WRITE_SEEDS") != nil {
        mkdir("\(Self.folder)/corpus/\(seed.entry)", 0o755)
        let file = try #require(fopen(path, "w"))
        fwrite(seed.bytes, 1, seed.bytes.count, file)
        fclose(file)
      }
      #expect(try Self.read(path) == seed.bytes)
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
