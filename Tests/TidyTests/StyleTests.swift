import Testing

/// Rules of Docs/development.md which a reader of one file cannot enforce.
@Suite struct StyleTests {
  struct Ban: CustomTestStringConvertible, Sendable {
    let text: String
    let reason: String
    /// Targets where it is right.
    let allowed: Set<String>
    var testDescription: String { text }
  }

  static let executables: Set<String> = ["afsfuse", "afsmock", "rxgen", "rxperf"]

  static let bans: [Ban] = [
    Ban(text: "import Foundation", reason: "start-up time and memory", allowed: executables),
    Ban(text: "import Dispatch", reason: "threads belong to the drivers", allowed: []),
    Ban(
      text: "Task {", reason: "tasks are started by an injected spawner",
      allowed: executables.union(["RxTransport", "AFSFuse", "RxTesting"])),
    Ban(text: "Task.detached", reason: "tasks are started by an injected spawner", allowed: ["RxTransport"]),
    Ban(text: "Task.sleep", reason: "time comes from an RxTimer", allowed: executables),
    Ban(
      text: "SystemClock", reason: "time is a parameter below the drivers",
      allowed: executables.union(["RxTransport", "AFSFuse", "AFSControl", "AFSBase"])),
    Ban(text: "clock_gettime", reason: "SystemClock is for that", allowed: ["AFSBase"]),
    Ban(
      text: "SystemRandomNumberGenerator", reason: "generators are parameters", allowed: executables.union(["AFSFuse"])),
    Ban(text: ".random(in:", reason: "name the generator: random(in:using:)", allowed: []),
  ]

  @Test("Banned interfaces stay out of the lower layers", arguments: bans)
  func banned(ban: Ban) throws {
    for file in try SourceTree.swiftFiles(below: "Sources") where !ban.allowed.contains(file.target) {
      for (index, line) in file.lines.enumerated() {
        let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let isRandomWithGenerator = ban.text == ".random(in:" && code.contains("using:")
        // `group.addTask {` starts a child task, which is right anywhere.
        #expect(
          !code.replacing("addTask {", with: "").contains(ban.text) || isRandomWithGenerator,
          "\(file.path):\(index + 1) uses \(ban.text): \(ban.reason)"
        )
      }
    }
  }

  @Test("No source file is longer than 600 lines")
  func fileLength() throws {
    for file in try SourceTree.swiftFiles(below: "Sources") where !file.isGenerated {
      #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines: split it by mechanism")
    }
  }

  @Test("No function is longer than 80 lines")
  func functionLength() throws {
    var functions = 0
    for file in try SourceTree.swiftFiles(below: "Sources") where !file.isGenerated {
      var open: (indent: Int, line: Int)?
      for (index, line) in file.lines.enumerated() {
        let indent = line.prefix { $0 == " " }.count
        let body = line.dropFirst(indent)
        if let start = open, indent == start.indent, body.first == "}" {
          functions += 1
          #expect(index - start.line <= 80, "\(file.path):\(start.line + 1) is \(index - start.line) lines long")
          open = nil
        }
        let isFunction = body.contains("func ") || body.hasPrefix("init(") || body.contains(" init(")
        if isFunction, !body.hasPrefix("//"), line.hasSuffix("{") { open = (indent, index) }
      }
    }
    #expect(functions > 100)
  }

  @Test("No type is named for what it manages or helps with", arguments: ["Manager", "Helper", "Utils"])
  func names(word: String) throws {
    for file in try SourceTree.swiftFiles(below: "Sources") {
      for line in file.lines {
        let declares = ["struct ", "class ", "enum ", "actor ", "protocol "].contains { line.contains($0) }
        #expect(!(declares && !line.contains("//") && line.contains(word)), "\(file.path): \(line)")
      }
    }
  }

  @Test("Every test suite has a folder of sources or is one of the added suites")
  func mirror() throws {
    let added: Set<String> = [
      "TidyTests", "TestFolders", "TestThreads", "TestWorld", "SimulationTests", "ModelTests", "MountTests",
      "FuzzTests",
    ]
    for suite in Set(try SourceTree.swiftFiles(below: "Tests").map(\.target)) where !added.contains(suite) {
      #expect(LayerTests.layers[String(suite.dropLast("Tests".count))] != nil, "\(suite) mirrors no target")
    }
  }
}
