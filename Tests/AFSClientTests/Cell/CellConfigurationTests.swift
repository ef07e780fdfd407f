import AFSTypes
import Glibc
import RxCore
import TestFolders
import Testing

@testable import AFSClient

@Suite struct CellConfigurationTests {
  /// Files in a directory of their own, removed with the value.
  final class Directory {
    private let folder = TemporaryFolder()
    var path: String { folder.path }

    init(_ files: [String: String]) throws {
      for (name, text) in files {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        fputs(text, file)
        fclose(file)
      }
    }

    func load() throws -> CellFiles { try CellFiles.load(configurationDirectory: path) }
  }

  static let database = ">a.example\n10.0.0.1 #db1\n10.0.0.2 #db2\n>b.example\n10.0.0.3\n>c.example\n#db.c.example\n"

  static func resolve(_ host: String) throws(CellConfiguration.HostFailure) -> [UInt32] {
    switch host {
    case "db.c.example": [0x0A00_0009]
    case "two.example": [0x0A00_0011, 0x0A00_0012]
    case "none.example": []
    default: throw .init(reason: "no such host")
    }
  }

  static func address(_ last: UInt32, _ port: UInt16 = 7003) -> RxAddress {
    RxAddress(ipv4: 0x0A00_0000 | last, port: port)
  }

  // MARK: Files

  @Test("All files of the directory count")
  func files() throws {
    let directory = try Directory([
      "ThisCell": " A.example \n", "CellServDB": Self.database + "oops\n", "CellAlias": "# x\na.example a\nbad\n",
    ])
    let files = try directory.load()
    #expect(files.localCell?.text == "a.example")
    #expect(files.cellServDB.entries.count == 3)
    #expect(files.aliases == [.init(alias: CellName("a")!, cell: CellName("a.example")!)])
    #expect(files.missing.isEmpty)
    #expect(files.problems.count == 2)
    #expect(files.problems[0].hasPrefix("\(directory.path)/CellServDB, line 8: "))
    #expect(files.problems[1].hasPrefix("\(directory.path)/CellAlias, line 3: "))
  }

  @Test("Missing files are named and no error; a missing directory that was asked for is one")
  func missing() throws {
    let directory = try Directory(["CellServDB": ""])
    #expect(try directory.load().missing == ["ThisCell", "CellAlias"])
    #expect(throws: CellFiles.Failure.noDirectory(path: directory.path + "/no", errno: ENOENT)) {
      try CellFiles.load(configurationDirectory: directory.path + "/no")
    }
  }

  @Test("The first usual directory with files in it counts")
  func usual() throws {
    let empty = try Directory([:])
    let full = try Directory(["ThisCell": "b.example\n"])
    let usual = [empty.path + "/no", empty.path, full.path]
    #expect(try CellFiles.load(configurationDirectory: nil, usual: usual).directory == full.path)
    let none = try CellFiles.load(configurationDirectory: nil, usual: [empty.path])
    #expect(none.directory == empty.path)
    #expect(none.missing.count == 3)
  }

  @Test("What cannot be read, or is no cell name, is an error")
  func unreadable() throws {
    let directory = try Directory([:])
    let path = directory.path + "/ThisCell"
    try #require(mkdir(path, 0o700) == 0)
    #expect(throws: CellFiles.Failure.unreadable(path: path, errno: EISDIR)) { try directory.load() }
    let wrong = try Directory(["ThisCell": "a/b"])
    #expect(throws: CellFiles.Failure.badThisCell(path: wrong.path + "/ThisCell", text: "a/b")) { try wrong.load() }
  }

  // MARK: Merging

  static func merge(
    thisCell: String? = "a.example", _ request: CellConfiguration.Request
  ) throws -> CellConfiguration {
    var files = ["CellServDB": database, "CellAlias": "b.example bee\n"]
    files["ThisCell"] = thisCell
    return try CellConfiguration(files: Directory(files).load(), request: request, resolve: resolve)
  }

  @Test("Without options the files count, and names stand in for addresses")
  func plain() throws {
    let merged = try Self.merge(CellConfiguration.Request())
    #expect(merged.localCell?.text == "a.example")
    #expect(merged.cells.map(\.name.text) == ["a.example", "b.example", "c.example"])
    #expect(
      merged.cells.map(\.locationServers) == [
        [Self.address(1), Self.address(2)], [Self.address(3)], [Self.address(9)],
      ])
    #expect(merged.warnings.isEmpty)
  }

  @Test("--cell takes the place of ThisCell, and may be an alias", arguments: ["B.Example", "bee"])
  func cell(text: String) throws {
    #expect(try Self.merge(.init(cell: text)).localCell?.text == "b.example")
  }

  @Test("--cell-servers takes the place of the file's servers")
  func servers() throws {
    let merged = try Self.merge(.init(servers: "10.0.0.5,two.example:7103,10.0.0.5:7003"))
    let cell = try #require(merged.cells.first { $0.name.text == "a.example" })
    #expect(cell.locationServers == [Self.address(5), Self.address(0x11, 7103), Self.address(0x12, 7103)])
    #expect(merged.cells.count == 3)
    let new = try Self.merge(thisCell: nil, .init(cell: "new", servers: "10.0.0.7"))
    #expect(new.cells.last == .init(name: CellName("new")!, locationServers: [Self.address(7)]))
  }

  @Test(
    "Servers that are none are refused",
    arguments: ["", "a,", ":7003", "a:0", "a:65536", "a:+1", "a:b", "a:1:2", "[::1]:7003", "0.0.0.0", "127.1", "a b"])
  func badServers(text: String) throws {
    #expect {
      try Self.merge(.init(servers: text))
    } throws: { error in
      if case CellConfiguration.Failure.badServer = error { return true }
      return error as? CellConfiguration.Failure == .unresolvableHost("a", reason: "no such host") && text == "a,"
    }
  }

  @Test("Each mistake has its error, told in one line")
  func failures() throws {
    func failure(_ thisCell: String?, _ request: CellConfiguration.Request) -> CellConfiguration.Failure? {
      do {
        _ = try Self.merge(thisCell: thisCell, request)
        return nil
      } catch {
        #expect(!"\(error)".contains("\n"))
        return error as? CellConfiguration.Failure
      }
    }
    #expect(failure(nil, .init(cell: "a..b")) == .badCellName("a..b"))
    #expect(
      failure(nil, .init(servers: "none.example"))?.description.contains("--cell-servers needs --cell") == true)
    #expect(
      failure(nil, .init(cell: "z.example", servers: "none.example"))
        == .unresolvableHost("none.example", reason: "it has no IPv4 address"))
    let unknown = failure(nil, .init(cell: "z.example", asksDNS: false))
    #expect(unknown?.description.contains("is not in the CellServDB of /tmp/afsfuse-test-") == true)
    #expect(failure("nodot", .init(asksDNS: true)) != nil)
    #expect(failure(nil, .init(cell: "z.example", asksDNS: true)) == nil)
    #expect(failure(nil, .init()) == nil)
  }
}
