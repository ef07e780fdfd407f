import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import TestWorld
import Testing

/// What programs do to files, by one client on a good network.
@Suite struct OperationTests {
  @Test(
    "What is written is read back, and is at the server after the close", arguments: [0, 1, 4096, 70_000, 3_000_000])
  func write(size: Int) throws {
    try World.run(seed: 1, { $0.clients = 2 }) { world async throws in
      let bytes = pattern(size)
      try await world.clients[0].write("file", bytes)
      #expect(try await world.clients[0].read("file") == bytes)
      #expect(try await world.clients[0].attributes("file").size == UInt64(size))
      let fid = try #require(world.cell.find(["file"], in: world.rootCell))
      #expect(world.cell.contents(of: fid) == bytes)
      #expect(try await world.clients[1].read("file") == bytes)
      #expect(try await world.clients[1].attributes("file").size == UInt64(size))
    }
  }

  @Test("Names are made, listed, moved and removed")
  func names() throws {
    try World.run(seed: 2) { world async throws in
      let client = world.clients[0]
      try await client.makeDirectory("d")
      try await client.makeDirectory("d/e")
      try await client.write("d/a", "1")
      try await client.write("d/b", "2")
      #expect(try await client.list("d") == ["a", "b", "e"])
      try await client.rename("d/a", to: "d/c")
      try await client.rename("d/b", to: "d/e/b")
      #expect(try await client.list("d") == ["c", "e"])
      #expect(try await client.list("d/e") == ["b"])
      #expect(try await client.readText("d/c") == "1")
      #expect(try await client.readText("d/e/b") == "2")
      try await client.rename("d/e", to: "e")
      #expect(try await client.readText("e/b") == "2")
      try await client.remove("e/b")
      try await client.removeDirectory("e")
      try await client.remove("d/c")
      try await client.removeDirectory("d")
      #expect(try await client.list() == [])
      #expect(world.cell.find(["d"], in: world.rootCell) == nil)
    }
  }

  @Test("A rename onto a file replaces it, and refuses to when told so")
  func replace() throws {
    try World.run(seed: 3) { world async throws in
      let client = world.clients[0]
      try await client.write("a", "new")
      try await client.write("b", "old")
      #expect(await failure { try await client.rename("a", to: "b", replacing: false) } == .alreadyExists)
      try await client.rename("a", to: "b")
      #expect(try await client.list() == ["b"])
      #expect(try await client.readText("b") == "new")
    }
  }

  @Test("Operations that cannot be done say why, and change nothing")
  func errors() throws {
    try World.run(seed: 4) { world async throws in
      let client = world.clients[0]
      try await client.makeDirectory("d")
      try await client.write("d/f", "x")
      typealias Step = () async throws -> Void
      let steps: [(AFSError, Step)] = [
        (.notFound, { _ = try await client.read("none") }),
        (.notFound, { try await client.remove("d/none") }),
        (.notFound, { try await client.rename("none", to: "other") }),
        (.alreadyExists, { try await client.makeDirectory("d") }),
        (.alreadyExists, { _ = try await client.create("d/f", exclusive: true) }),
        (.notEmpty, { try await client.removeDirectory("d") }),
        (.notDirectory, { try await client.removeDirectory("d/f") }),
        (.isDirectory, { try await client.remove("d") }),
        (.isDirectory, { _ = try await client.open("d") }),
        (.notDirectory, { _ = try await client.node("d/f/g") }),
        (.notDirectory, { _ = try await client.entries("d/f") }),
        (.invalidArgument, { try await client.rename("d", to: "d/below") }),
        (.nameTooLong, { try await client.makeDirectory(String(repeating: "n", count: 256)) }),
      ]
      for (index, (error, step)) in steps.enumerated() {
        #expect(await failure(step) == error, "step \(index)")
      }
      #expect(try await client.list() == ["d"])
      #expect(try await client.list("d") == ["f"])
      #expect(try await client.readText("d/f") == "x")
      #expect(world.cell.find(["d", "f"], in: world.rootCell) != nil)
    }
  }

  @Test("Attributes are shown and changed")
  func attributes() throws {
    try World.run(seed: 5, { $0.clients = 2 }) { world async throws in
      let (client, other) = (world.clients[0], world.clients[1])
      try await client.write("f", pattern(5000))
      var attributes = try await client.attributes("f")
      #expect(attributes.kind == .file)
      #expect(attributes.permissions == 0o644)
      #expect(attributes.linkCount == 1)
      try await client.setAttributes("f", AttributeChange(permissions: 0o600, modified: WallTime(seconds: 1_000_000)))
      attributes = try await other.attributes("f")
      #expect(attributes.permissions == 0o600)
      #expect(attributes.modified == WallTime(seconds: 1_000_000))
      try await client.setAttributes("f", AttributeChange(size: 100))
      #expect(try await client.read("f") == pattern(100))
      #expect(try await other.read("f") == pattern(100))
      try await client.setAttributes("f", AttributeChange(size: 300))
      #expect(try await other.read("f") == pattern(100) + [UInt8](repeating: 0, count: 200))
    }
  }

  @Test("Symbolic and hard links")
  func links() throws {
    try World.run(seed: 6) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "text")
      try await client.makeSymbolicLink("s", to: "somewhere/else")
      #expect(try await client.readSymbolicLink("s") == "somewhere/else")
      #expect(try await client.attributes("s").kind == .symbolicLink)
      try await client.link("f", as: "g")
      #expect(try await client.attributes("g").linkCount == 2)
      #expect(try await client.attributes("f").linkCount == 2)
      try await client.overwrite("g", Array("TEXT".utf8), at: 0)
      #expect(try await client.readText("f") == "TEXT")
      try await client.remove("f")
      #expect(try await client.attributes("g").linkCount == 1)
      #expect(try await client.readText("g") == "TEXT")
      try await client.makeDirectory("d")
      #expect(await failure { try await client.link("g", as: "d/g") } == .crossDevice)
    }
  }

  @Test("A file that is removed while open keeps its data until the close")
  func unlinkedWhileOpen() throws {
    try World.run(seed: 7) { world async throws in
      let client = world.clients[0]
      try await client.write("f", pattern(200_000))
      let file = try await client.open("f", writes: true)
      try await client.remove("f")
      #expect(try await client.exists("f") == false)
      #expect(try await file.readAll() == pattern(200_000))
      try await file.write([1, 2, 3], at: 0)
      try await file.flush()
      #expect(try await file.read(at: 0, count: 4) == [1, 2, 3, pattern(4)[3]])
      await file.close()
      #expect(try await client.list() == [])
      #expect(world.cell.names(in: world.root) == [])
    }
  }

  @Test("A directory of a thousand names is listed whole, with all attributes in few calls")
  func manyNames() throws {
    try World.run(seed: 8) { world async throws in
      for index in 0..<1000 {
        world.cell.makeFile(Array("name-\(index)".utf8), in: world.root, [UInt8](repeating: 1, count: index))
      }
      let client = world.clients[0]
      let entries = try await client.entries("")
      #expect(entries.count == 1002)
      #expect(Set(entries.map(\.fileID)).count == 1001, ". and .. of the root are one")
      for index in stride(from: 0, to: 1000, by: 97) {
        #expect(try await client.attributes("name-\(index)").size == UInt64(index))
      }
      #expect(world.cell.callCounts["FetchStatus", default: 0] < 10)
      #expect(world.cell.callCounts["InlineBulkStatus", default: 0] <= 30)
    }
  }

  @Test("Names are bytes: what is no UTF-8 is kept as it is")
  func byteNames() throws {
    try World.run(seed: 9) { world async throws in
      let client = world.clients[0]
      let name: [UInt8] = [0xFF, 0x20, 0x0A, 0xC3]
      let (_, file) = try await client.fileSystem.create(
        name, in: client.fileSystem.root, permissions: 0o644, exclusive: true,
        access: OpenAccess(reads: true, writes: true), as: client.identity)
      await file.close()
      #expect(try await client.lookup(name, in: client.fileSystem.root) != nil)
      #expect(try await client.entries("").map(\.name).contains(name))
    }
  }

  @Test("What a directory's mount point shows: the volume behind it, by attributes, names and statistics")
  func mountPoint() throws {
    try World.run(seed: 10) { world async throws in
      let volume = world.cell.makeVolume("user.a", server: 0, quota: 5000)
      world.cell.makeFile(Array("inside".utf8), in: .root(of: volume), pattern(10))
      world.cell.makeMountPoint("a", in: world.root, target: "#user.a.")
      let client = world.clients[0]
      #expect(try await client.attributes("a").kind == .directory)
      #expect(try await client.list("a") == ["inside"])
      #expect(try await client.read("a/inside") == pattern(10))
      let node = try await client.node("a")
      #expect(try await client.fileSystem.statistics(of: node, as: client.identity).blocks == 5000)
      let name = try await client.fileSystem.extendedAttribute("afs.volume", of: node, as: client.identity)
      #expect(String(decoding: name, as: UTF8.self) == "user.a")
      #expect(await failure { try await client.rename("a/inside", to: "outside") } == .crossDevice)
      #expect(try await client.attributes("a/..").fileID == client.attributes("").fileID)
    }
  }
  @Test(
    "A directory's access list is text without the wire's zero byte; what is set is shown, and its files have it",
    arguments: [false, true])
  func accessList(onOldServers: Bool) throws {
    try World.run(seed: 11) { world async throws in
      if onOldServers {
        world.cell.addFault(.init(operation: "StoreACL", times: nil, fault: .abort(.rxgenOpcode)))
      }
      world.cell.addUser("ann", id: 1001)
      let client = world.clients[0]
      try await client.makeDirectory("d")
      try await client.write("d/file", "1")
      let directory = try await client.node("d")
      let file = try await client.node("d/file")
      func shown(_ node: any Node) async throws -> String {
        let text = try await client.fileSystem.extendedAttribute("afs.acl", of: node, as: client.identity)
        return String(decoding: text, as: UTF8.self)
      }
      func set(_ text: String, on node: any Node) async throws {
        try await client.fileSystem.setExtendedAttribute(
          "afs.acl", of: node, to: Array(text.utf8), as: client.identity)
      }
      #expect(try await shown(directory) == "1\n0\nsystem:anyuser\t127\n")
      let list = "2\n0\nsystem:anyuser\t127\nann\t9\n"
      try await set(list, on: directory)
      #expect(try await Set(shown(directory).split(separator: "\n")) == Set(list.split(separator: "\n")))
      #expect(try await shown(file) == shown(directory))
      // As copied from another directory by a program that keeps the zero byte.
      try await set("1\n0\nsystem:anyuser\t127\n\0", on: directory)
      #expect(try await shown(directory) == "1\n0\nsystem:anyuser\t127\n")
      #expect(await failure { try await set("nonsense", on: directory) } == .invalidArgument)
      #expect(await failure { try await set("1\n0\nnosuch\t9\n", on: directory) } == .invalidArgument)
      #expect(await failure { try await set(String(repeating: "1", count: 1024), on: directory) } == .invalidArgument)
      #expect(await failure { try await set(list, on: file) } == .notDirectory)
      #expect(try await shown(directory) == "1\n0\nsystem:anyuser\t127\n")
    }
  }
}
