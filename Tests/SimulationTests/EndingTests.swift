import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import Glibc
import RxTesting
import TestWorld
import Testing

/// Changes that nobody waits for any more: they are stored, or somebody is told.
@Suite struct EndingTests {
  @Test("An interrupted truncate is carried out without anybody writing again")
  func interruptedTruncate() throws {
    try World.run(seed: 1) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "a text")
      let fid = try #require(world.cell.find(["f"], in: world.rootCell))
      world.cell.addFault(.init(operation: "StoreData64", fault: .hang(.seconds(20))))
      let running = world.start { try await client.setAttributes("f", AttributeChange(size: 1)) }
      try await world.sleep(.seconds(1))
      running.cancel()
      let result = await running.result
      #expect(throws: AFSError.interrupted) { try result.get() }
      try await world.sleep(.seconds(60))
      #expect(world.cell.contents(of: fid) == Array("a".utf8))
    }
  }

  @Test("A server that is away does not keep the end from storing at another; what is lost is named by its path")
  func shutDownHalf() throws {
    try World.run(seed: 2, { $0.servers = 2 }) { world async throws in
      let volume = world.cell.makeVolume("other", server: 1)
      world.cell.makeMountPoint("other", in: world.root, target: "#other.")
      let client = world.clients[0]
      try await client.makeDirectory("other/d")
      for index in 0..<12 {
        try await client.write("near\(index)", "text")
        try await client.write("other/d/far\(index)", "text")
      }
      var files: [OpenedFile] = []
      for index in 0..<12 {
        for name in ["other/d/far\(index)", "near\(index)"] {
          let file = try await client.open(name, writes: true)
          try await file.write(Array("TEXT".utf8), at: 0)
          files.append(file)
        }
      }
      world.servers[1].setDown(true)
      let start = world.now
      let error = await failure { try await client.fileSystem.shutDown() }
      #expect(error == .timedOut || error == .unreachable)
      #expect(world.now - start < .seconds(70))
      for index in 0..<12 {
        let near = try #require(world.cell.find(["near\(index)"], in: world.rootCell))
        #expect(world.cell.contents(of: near) == Array("TEXT".utf8))
        let far = try #require(world.cell.find(["d", "far\(index)"], in: volume))
        #expect(world.cell.contents(of: far) == Array("text".utf8))
        #expect(client.log.lines(with: "/other/d/far\(index) (").count == 1)
      }
      #expect(client.log.lines(with: "could not be stored").count == 12)
      withExtendedLifetime(files) {}
    }
  }

  /// The files in a client's folder of copies, by the name before the numbers.
  static func copies(_ client: Client) -> [String: [UInt8]] {
    let folder = client.stateFolder + "/unstored"
    guard let directory = opendir(folder) else { return [:] }
    defer { closedir(directory) }
    var copies: [String: [UInt8]] = [:]
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard !name.hasPrefix("."), let file = fopen("\(folder)/\(name)", "r") else { continue }
      var bytes = [UInt8](repeating: 0, count: 4096)
      copies[String(name.prefix { $0 != "." })] = Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
      fclose(file)
    }
    return copies
  }

  @Test("What cannot be stored at the end is kept as a copy, and the log says where and what is missing in it")
  func copiesKept() throws {
    try World.run(seed: 4, { $0.clients = 2 }) { world async throws in
      let (writer, client) = (world.clients[0], world.clients[1])
      try await writer.write("seen", "a text")
      try await writer.write("unseen", "a long text")
      #expect(try await client.read("seen") == Array("a text".utf8))
      var files: [OpenedFile] = []
      for (name, offset) in [("seen", 8), ("unseen", 2)] {
        let file = try await client.open(name, writes: true)
        try await file.write(Array("NEW".utf8), at: offset)
        files.append(file)
      }
      world.servers[0].setDown(true)
      let error = await failure { try await client.fileSystem.shutDown() }
      #expect(error == .timedOut || error == .unreachable)
      let copies = Self.copies(client)
      #expect(copies["seen"] == Array("a text\0\0NEW".utf8))
      #expect(copies["unseen"] == Array("\0\0NEW\0\0\0\0\0\0".utf8))
      #expect(client.log.lines(with: "a copy with its changes is \(client.stateFolder)/unstored/").count == 2)
      #expect(client.log.lines(with: "8 bytes that were not changed were not here").count == 1)
      withExtendedLifetime(files) {}
    }
  }

  @Test("Files are stored at the end several at a time")
  func shutDownInParallel() throws {
    try World.run(seed: 3) { world async throws in
      let client = world.clients[0]
      var files: [OpenedFile] = []
      for index in 0..<40 {
        let file = try await client.create("f\(index)")
        try await file.write([UInt8(index)], at: 0)
        files.append(file)
      }
      world.cell.addFault(.init(operation: "StoreData64", times: nil, fault: .delay(.seconds(4))))
      let start = world.now
      try await client.fileSystem.shutDown()
      #expect(world.now - start < .seconds(50))
      for index in 0..<40 {
        let fid = try #require(world.cell.find(["f\(index)"], in: world.rootCell))
        #expect(world.cell.contents(of: fid) == [UInt8(index)])
      }
      withExtendedLifetime(files) {}
    }
  }

  @Test("Changes that are dropped are logged by their path")
  func droppedByPath() throws {
    try World.run(seed: 4) { world async throws in
      let client = world.clients[0]
      try await client.makeDirectory("d")
      try await client.write("d/f", "text")
      world.cell.addFault(.init(operation: "StoreData64", times: nil, fault: .abort(.vDiskFull)))
      _ = await failure { try await client.overwrite("d/f", [1, 2, 3], at: 0) }
      #expect(client.log.lines(with: "/d/f (").count == 1)
    }
  }

  @Test("What a killed client removed while it was open is removed by the next one with its state")
  func killedWithHiddenFiles() throws {
    try World.run(seed: 5, { $0.clients = 2 }) { world async throws in
      let victim = world.clients[0]
      try await victim.makeDirectory("d")
      var files: [OpenedFile] = []
      for name in ["d/a", "d/b", "kept"] {
        try await victim.write(name, "text")
        files.append(try await victim.open(name, writes: false))
      }
      try await victim.remove("d/a")
      try await victim.remove("d/b")
      await files[1].close()
      #expect(world.cell.names(in: world.root)?.count == 2)
      let hidden = try await world.clients[1].list("d")
      #expect(hidden.count == 1 && hidden.allSatisfy { $0.hasPrefix(".__afs") })
      await world.kill(victim)
      // The server is away when the next client comes: it tries again.
      world.servers[0].setDown(true)
      let next = world.addClient(after: victim)
      try await world.sleep(.seconds(30))
      world.servers[0].setDown(false)
      try await world.sleep(.seconds(200))
      #expect(try await world.clients[1].list("d") == [])
      #expect(try await next.list() == ["d", "kept"])
      withExtendedLifetime(files) {}
    }
  }

  @Test("A name that is another file's by now is not removed")
  func hiddenNameOfAnother() throws {
    try World.run(seed: 6, { $0.clients = 2 }) { world async throws in
      let victim = world.clients[0]
      try await victim.write("f", "text")
      let file = try await victim.open("f", writes: false)
      try await victim.remove("f")
      await world.kill(victim)
      let hidden = try #require(try await world.clients[1].list().first)
      try await world.clients[1].remove(hidden)
      try await world.clients[1].write(hidden, "somebody's")
      let next = world.addClient(after: victim)
      try await world.sleep(.seconds(60))
      #expect(try await next.list() == [hidden])
      withExtendedLifetime(file) {}
    }
  }
}
