import ArgumentParser
import Testing

@testable import afsfuse

@Suite struct StrayWordsTests {
  @Test("A cell after aklog or unlog without its option leads to the option", arguments: ["aklog", "unlog"])
  func hint(command: String) {
    do {
      _ = try AFSFuseCommand.parseAsRoot([command, "example.com"])
      Issue.record("it is taken")
    } catch {
      #expect(AFSFuseCommand.message(for: error).contains("a cell is named with '--cell example.com'"))
      #expect(AFSFuseCommand.exitCode(for: error).rawValue == 64)
    }
    #expect(throws: Never.self) { try AFSFuseCommand.parseAsRoot([command, "--cell", "example.com"]) }
  }
}
