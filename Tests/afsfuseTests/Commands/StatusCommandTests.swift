import ArgumentParser
import Testing

@testable import afsfuse

@Suite struct StatusCommandTests {
  @Test("status alone, with a mount point or with --json shows mounts", arguments: [[], ["/afs"], ["--json"]])
  func mounts(words: [String]) throws {
    let command = try #require(try AFSFuseCommand.parseAsRoot(["status"] + words) as? MountsStatusCommand)
    #expect(command.mountPoint == (words == ["/afs"] ? "/afs" : nil))
    #expect(command.json == (words == ["--json"]))
  }

  @Test("The help of status tells of scripts and of one mount")
  func help() {
    let help = AFSFuseCommand.helpMessage(for: StatusCommand.self, columns: 1000)
    for word in ["--json", "FOLDER", "status mounts"] { #expect(help.contains(word)) }
  }

  @Test("status rx is no mount point, and takes one", arguments: [[], ["--json"], ["/afs"], ["/afs", "--json"]])
  func rx(words: [String]) throws {
    let command = try #require(try AFSFuseCommand.parseAsRoot(["status", "rx"] + words) as? RxStatusCommand)
    #expect(command.mountPoint == (words.first == "/afs" ? "/afs" : nil))
    #expect(command.json == (words.last == "--json"))
  }

  @Test("status rx of a folder that is no mount ends with 1")
  func noMount() throws {
    let command = try #require(try AFSFuseCommand.parseAsRoot(["status", "rx", "/"]) as? RxStatusCommand)
    #expect(throws: ExitCode(1)) { try command.run() }
  }
}
