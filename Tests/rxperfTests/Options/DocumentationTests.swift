import ArgumentParser
import Glibc
import Testing

@testable import rxperf

@Suite struct DocumentationTests {
  @Test("Docs/rxperf.md has every option of both commands")
  func options() throws {
    let page = try text(of: "Docs/rxperf.md")
    var count = 0
    for command in [ServerCommand.self, ClientCommand.self] as [any ParsableCommand.Type] {
      let help = RxPerfCommand.helpMessage(for: command, columns: 1000)
      for line in help.split(separator: "\n") where line.hasPrefix("  -") {
        let names = line.split(separator: " ").filter { $0.hasPrefix("--") }.map { $0.filter { $0 != "," } }
        guard let name = names.first, name != "--help", name != "--version", name != "--command", name != "--server"
        else { continue }
        count += 1
        #expect(page.contains("`\(name)") || page.contains(" \(name)`"), "\(name)")
      }
    }
    #expect(count > 20)
  }

  private func text(of path: String) throws -> String {
    let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    let file = try #require(fopen("/\(root)/\(path)", "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 17)
    return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
  }
}
