import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// Promises and what ends them: breaks, a server that forgot, time.
@Suite struct CallbackTests {
  private func count(_ world: World, _ operation: String) -> Int {
    world.cell.callCounts[operation, default: 0]
  }

  private func fid(_ path: String, _ world: World) throws -> FID {
    try #require(world.cell.find(path.split(separator: "/").map(String.init), in: world.rootCell))
  }

  @Test("What a promise stands behind is asked for once")
  func promised() throws {
    try World.run(seed: 1) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("f".utf8), in: world.root, pattern(100))
      _ = try await client.read("f")
      let before = world.cell.callCounts
      for _ in 0..<20 {
        _ = try await client.read("f")
        _ = try await client.list()
        _ = try await client.attributes("f")
        #expect(try await client.exists("none") == false)
      }
      #expect(world.cell.callCounts == before)
    }
  }

  @Test("A broken file is asked for again, and the kernel is told to forget its pages")
  func brokenFile() throws {
    try World.run(seed: 2) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("f".utf8), in: world.root, pattern(100))
      #expect(try await client.read("f") == pattern(100))
      let fid = try fid("f", world)
      _ = client.kernel.takeInvalidations()
      await world.cell.overwrite(fid, with: pattern(50, 9))
      #expect(client.kernel.takeInvalidations().contains { $0.isContents(of: fid) })
      #expect(try await client.attributes("f").size == 50)
      #expect(try await client.read("f") == pattern(50, 9))
    }
  }

  @Test("A file that is open when it changes is read anew")
  func brokenOpenFile() throws {
    try World.run(seed: 3) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("f".utf8), in: world.root, pattern(100_000))
      let file = try await client.open("f")
      #expect(try await file.readAll() == pattern(100_000))
      await world.cell.overwrite(try fid("f", world), with: pattern(70_000, 3))
      #expect(try await file.readAll() == pattern(70_000, 3))
      await file.close()
    }
  }

  @Test("A read of an open file is not answered with data from before the status that it asked for")
  func crossedStatusOfOpenFile() throws {
    try World.run(seed: 12) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("f".utf8), in: world.root, pattern(50_000))
      let file = try await client.open("f")
      #expect(try await file.readAll() == pattern(50_000))
      await world.cell.overwrite(try fid("f", world), with: pattern(50_000, 1))
      world.cell.addFault(.init(operation: "FetchStatus", fault: .delayReply(.seconds(2))))
      let reading = world.start { try await file.readAll() }
      try await world.sleep(.seconds(1))
      // The status on its way is of the version before this one; its promise is broken when it arrives.
      await world.cell.overwrite(try fid("f", world), with: pattern(50_000, 2))
      let seen = try await reading.value
      #expect(seen == pattern(50_000, 1) || seen == pattern(50_000, 2))
      await file.close()
    }
  }

  @Test("A broken directory shows new names and loses old ones, and the kernel is told")
  func brokenDirectory() throws {
    try World.run(seed: 4) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("old".utf8), in: world.root, [1])
      #expect(try await client.list() == ["old"])
      #expect(try await client.exists("new") == false)
      _ = client.kernel.takeInvalidations()
      world.cell.makeFile(Array("new".utf8), in: world.root, [2])
      await world.cell.breakCallbacks([world.root])
      #expect(client.kernel.takeInvalidations().contains { $0.isNames(of: world.root) })
      #expect(try await client.read("new") == [2])
      #expect(try await client.list() == ["new", "old"])
    }
  }

  @Test("The break of a whole volume ends all its promises")
  func brokenVolume() throws {
    try World.run(seed: 5) { world async throws in
      let client = world.clients[0]
      let (a, b) = (
        world.cell.makeFile(Array("a".utf8), in: world.root, [1]),
        world.cell.makeFile(Array("b".utf8), in: world.root, [2])
      )
      _ = try await client.read("a")
      _ = try await client.read("b")
      _ = client.kernel.takeInvalidations()
      await world.cell.breakVolume(world.rootCell, server: 0)
      let told = client.kernel.takeInvalidations()
      for fid in [a, b] {
        let fid = try #require(fid)
        #expect(told.contains { $0.isContents(of: fid) })
      }
      #expect(told.contains { $0.isNames(of: world.root) })
      let before = count(world, "FetchStatus") + count(world, "InlineBulkStatus")
      _ = try await client.read("a")
      #expect(count(world, "FetchStatus") + count(world, "InlineBulkStatus") > before)
    }
  }

  @Test("A server that forgot everything and says so is asked again, and the kernel is told")
  func initialized() throws {
    try World.run(seed: 6) { world async throws in
      let client = world.clients[0]
      let made = world.cell.makeFile(Array("f".utf8), in: world.root, pattern(10))
      let fid = try #require(made)
      _ = try await client.read("f")
      _ = client.kernel.takeInvalidations()
      await world.cell.initializeCallbackState(server: 0)
      let told = client.kernel.takeInvalidations()
      #expect(told.contains { $0.isContents(of: fid) })
      #expect(told.contains { $0.isNames(of: world.root) })
      await world.cell.overwrite(fid, with: pattern(20, 1))
      #expect(try await client.read("f") == pattern(20, 1))
    }
  }

  @Test("A status that a break crossed on its way is not trusted")
  func crossedStatus() throws {
    try World.run(seed: 7) { world async throws in
      let client = world.clients[0]
      let made = world.cell.makeFile(Array("f".utf8), in: world.root, pattern(10))
      let fid = try #require(made)
      _ = try await client.read("f")
      let node = try await client.node("f")
      await world.cell.breakCallbacks([fid])
      world.cell.addFault(.init(operation: "InlineBulkStatus", fault: .delayReply(.seconds(2))))
      let asking = world.start { try await client.attributes(of: node) }
      try await world.sleep(.seconds(1))
      await world.cell.overwrite(fid, with: pattern(33, 1))
      #expect(try await asking.value.size == 10, "what the server said before the change")
      #expect(try await client.attributes(of: node).size == 33)
      #expect(try await client.read("f") == pattern(33, 1))
    }
  }

  @Test("Data that a break crossed on its way is not kept", arguments: [40, 150_000])
  func crossedData(size: Int) throws {
    try World.run(seed: 8) { world async throws in
      let client = world.clients[0]
      let made = world.cell.makeFile(Array("f".utf8), in: world.root, pattern(size))
      let fid = try #require(made)
      world.cell.addFault(
        .init(operation: "FetchData64", volume: world.rootCell, skip: 1, fault: .delayReply(.seconds(2))))
      #expect(try await client.attributes("f").size == UInt64(size))
      let reading = world.start { try await client.read("f") }
      try await world.sleep(.seconds(1))
      await world.cell.overwrite(fid, with: pattern(size, 77))
      let seen = try await reading.value
      #expect(seen == pattern(size) || seen == pattern(size, 77))
      #expect(try await client.read("f") == pattern(size, 77))
    }
  }

  @Test("Names that a break crossed on their way are not kept")
  func crossedDirectory() throws {
    try World.run(seed: 9) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("old".utf8), in: world.root, [1])
      world.cell.addFault(.init(operation: "FetchData64", fault: .delayReply(.seconds(2))))
      let listing = world.start { try await client.list() }
      try await world.sleep(.seconds(1))
      world.cell.makeFile(Array("new".utf8), in: world.root, [2])
      await world.cell.breakCallbacks([world.root])
      _ = try await listing.value
      #expect(try await client.list() == ["new", "old"])
      #expect(try await client.read("new") == [2])
    }
  }

  @Test("A bulk status that a break crossed on its way is not trusted")
  func crossedBulk() throws {
    try World.run(seed: 10) { world async throws in
      let client = world.clients[0]
      let fids = (0..<10).compactMap { world.cell.makeFile(Array("f\($0)".utf8), in: world.root, pattern(10)) }
      _ = try await client.list()
      await world.cell.breakCallbacks(fids)
      world.cell.addFault(.init(operation: "InlineBulkStatus", fault: .delayReply(.seconds(2))))
      let listing = world.start { try await client.entries("") }
      try await world.sleep(.seconds(1))
      await world.cell.overwrite(fids[3], with: pattern(44))
      _ = try await listing.value
      #expect(try await client.attributes("f3").size == 44)
      #expect(try await client.attributes("f4").size == 10)
    }
  }

  @Test("A server that silently forgot is believed no longer than its promise runs")
  func expiry() throws {
    try World.run(seed: 11) { world async throws in
      let client = world.clients[0]
      world.cell.setCallbackLifetime(.seconds(600))
      let made = world.cell.makeFile(Array("f".utf8), in: world.root, [1])
      let fid = try #require(made)
      _ = try await client.read("f")
      world.cell.forgetCallbacksSilently(server: 0)
      await world.cell.overwrite(fid, with: [2, 3])
      try await world.sleep(.seconds(601))
      #expect(try await client.read("f") == [2, 3])
    }
  }

  @Test("A server that was started anew without a word is found out by the next keepalive")
  func keepalive() throws {
    try World.run(seed: 12) { world async throws in
      let client = world.clients[0]
      let made = world.cell.makeFile(Array("f".utf8), in: world.root, [1])
      let fid = try #require(made)
      _ = try await client.read("f")
      world.servers[0].restart()
      world.cell.forgetCallbacksSilently(server: 0)
      await world.cell.overwrite(fid, with: [2, 3])
      try await world.sleep(.seconds(300))
      #expect(try await client.read("f") == [2, 3], "promises last two hours, keepalives come every four minutes")
    }
  }

  @Test("Breaks for files that nobody asked for, of volumes that do not exist, are taken")
  func foreignBreaks() throws {
    try World.run(seed: 13) { world async throws in
      let client = world.clients[0]
      world.cell.makeFile(Array("f".utf8), in: world.root, [1])
      _ = try await client.read("f")
      await world.cell.breakCallbacks([
        FID(volume: world.rootCell, vnode: 4000, unique: 1), FID(volume: VolumeID(99), vnode: 1, unique: 1),
      ])
      await world.cell.breakVolume(VolumeID(99), server: 0)
      #expect(try await client.read("f") == [1])
    }
  }
}

extension Invalidation {
  func isContents(of fid: FID) -> Bool {
    if case .contents(let key) = self { return key.fid == fid }
    return false
  }

  func isNames(of fid: FID) -> Bool {
    if case .names(let key) = self { return key.fid == fid }
    return false
  }
}
