import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxCore
import RxTesting
import TestWorld
import Testing

/// Servers which are busy, away, moved, restarted; answers that get lost. All times are virtual.
@Suite struct FailoverTests {
  /// How long an operation took.
  private func time<Value>(
    _ world: World, _ body: () async throws -> Value
  ) async rethrows -> (value: Value, time: Duration) {
    let start = world.now
    let value = try await body()
    return (value, world.now - start)
  }

  @Test("A busy volume is asked again until it answers")
  func busy() throws {
    try World.run(seed: 1) { world async throws in
      world.cell.makeFile(Array("f".utf8), in: world.root, [1])
      world.cell.addFault(.init(volume: world.rootCell, times: 5, fault: .abort(.vBusy)))
      let (bytes, time) = try await time(world) { try await world.clients[0].read("f") }
      #expect(bytes == [1])
      #expect(time < .seconds(10))
    }
  }

  @Test(
    "A volume that is offline for a while is waited for", arguments: [AbortCode.vOffline, .vSalvaging, .vNoService])
  func offline(code: AbortCode) throws {
    try World.run(seed: 2) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "1")
      world.cell.setTrouble(code, volume: world.rootCell, server: 0)
      let writing = world.start { try await client.write("f", "2") }
      try await world.sleep(.seconds(20))
      world.cell.setTrouble(nil, volume: world.rootCell, server: 0)
      let (_, time) = try await time(world) { try await writing.value }
      #expect(time < .seconds(6))
      #expect(try await client.readText("f") == "2")
    }
  }

  @Test("A volume that stays offline is reported after a minute")
  func offlineForGood() throws {
    try World.run(seed: 3) { world async throws in
      let client = world.clients[0]
      _ = try await client.list()
      world.cell.setTrouble(.vOffline, volume: world.rootCell, server: 0)
      await world.cell.breakVolume(world.rootCell, server: 0)
      let (error, time) = await time(world) { await failure { try await client.list() } }
      #expect(error == .volumeOffline)
      #expect(time < .seconds(70))
      world.cell.setTrouble(nil, volume: world.rootCell, server: 0)
      #expect(try await client.list() == [])
    }
  }

  @Test("A volume that no server has any more is reported soon")
  func noVolume() throws {
    try World.run(seed: 4) { world async throws in
      let client = world.clients[0]
      _ = try await client.list()
      world.cell.setTrouble(.vNoVol, volume: world.rootCell, server: 0)
      await world.cell.breakVolume(world.rootCell, server: 0)
      let (error, time) = await time(world) { await failure { try await client.list() } }
      #expect(error == .noSuchVolume)
      #expect(time < .seconds(5))
    }
  }

  @Test("A moved volume is found at its new server, with reads, writes and breaks")
  func moved() throws {
    try World.run(
      seed: 5,
      {
        $0.servers = 2
        $0.clients = 2
        $0.withKernel = true
      }
    ) { world async throws in
      let (client, other) = (world.clients[0], world.clients[1])
      try await client.write("f", "before")
      #expect(try await other.readText("f") == "before")
      let file = try await client.open("f", writes: true)
      try await file.write(Array("BE".utf8), at: 0)
      await world.cell.move(world.rootCell, to: 1)
      try await file.flush()
      await file.close()
      #expect(try await other.readText("f") == "BEfore")
      try await other.write("g", "new")
      #expect(try await client.readText("g") == "new")
      await world.cell.move(world.rootCell, to: 0)
      try await client.write("g", "back")
      #expect(try await other.readText("g") == "back")
    }
  }

  @Test("A replica's server that is down costs one wait; reads go to the other one")
  func replicaDown() throws {
    try World.run(seed: 6, { $0.servers = 2 }) { world async throws in
      for index in 0..<5 { world.cell.makeFile(Array("f\(index)".utf8), in: world.root, [UInt8(index)]) }
      await world.cell.release("root.cell", to: [0, 1])
      let client = world.addClient()
      #expect(try await client.read("f0") == [0])
      world.servers[0].setDown(true)
      let (bytes, time) = try await time(world) { try await client.read("f1") }
      #expect(bytes == [1])
      #expect(time < .seconds(55))
      let (_, again) = try await self.time(world) { for index in 2..<5 { _ = try await client.read("f\(index)") } }
      #expect(again < .seconds(1))
      world.servers[0].setDown(false)
      try await world.sleep(.seconds(300))
      world.servers[1].setDown(true)
      _ = try await client.attributes("f4")
      let (entries, third) = try await self.time(world) { try await client.entries("") }
      #expect(entries.count == 7)
      #expect(third < .seconds(55))
    }
  }

  @Test("When no server answers an error comes in bounded time, and all is well when they are back")
  func allDown() throws {
    try World.run(seed: 7, { $0.servers = 2 }) { world async throws in
      world.cell.makeFile(Array("f".utf8), in: world.root, [1])
      await world.cell.release("root.cell", to: [0, 1])
      let client = world.addClient()
      _ = try await client.list()
      for server in world.servers { server.setDown(true) }
      let (error, time) = await time(world) {
        await failure { try await client.read("f") }
      }
      #expect(error == .timedOut || error == .unreachable)
      #expect(time < .seconds(180))
      // Known to be down, a server is not waited for as long a second time.
      for server in world.servers { server.setDown(false) }
      try await world.sleep(.seconds(90))
      let (bytes, again) = try await self.time(world) { try await client.read("f") }
      #expect(bytes == [1])
      #expect(again < .seconds(1))
    }
  }

  @Test("A server whose port is closed is reported at once")
  func refused() throws {
    try World.run(seed: 8) { world async throws in
      let volume = world.cell.makeVolume("away", server: 0)
      world.cell.makeMountPoint("away", in: world.root, target: "#away.")
      _ = world.cell.addServer(addresses: [.init(ipv4: 0x0A00_0190, port: 7000)], caller: world.servers[0])
      await world.cell.move(volume, to: 1)
      let (error, time) = await time(world) {
        await failure { try await world.clients[0].list("away") }
      }
      #expect(error == .unreachable)
      #expect(time < .seconds(5))
      #expect(try await world.clients[0].list() == ["away"])
    }
  }

  @Test("A server that is restarted in the midst of a large store gets it all")
  func restart() throws {
    try World.run(seed: 9, { $0.conditions = NetworkConditions(delay: .milliseconds(20)) }) { world async throws in
      let client = world.clients[0]
      let bytes = pattern(2_000_000)
      let writing = world.start { try await client.write("f", bytes) }
      try await world.sleep(.milliseconds(300))
      world.servers[0].restart()
      world.cell.forgetCallbacksSilently(server: 0)
      try await writing.value
      let fid = try #require(world.cell.find(["f"], in: world.rootCell))
      #expect(world.cell.contents(of: fid) == bytes)
      #expect(try await client.read("f") == bytes)
    }
  }

  @Test("A file whose creation was answered by an error after all exists once, and is written")
  func createAbortedAfterwards() throws {
    try World.run(seed: 10, { $0.clients = 2 }) { world async throws in
      let client = world.clients[0]
      _ = try await client.list()
      world.cell.addFault(.init(operation: "CreateFile", fault: .abortAfterwards(.vBusy)))
      try await client.write("f", "text")
      #expect(try await client.list() == ["f"])
      #expect(try await world.clients[1].readText("f") == "text")
    }
  }

  @Test("Data whose store was answered by an error after all is there, once", arguments: [AbortCode.vBusy, .vOffline])
  func storeAbortedAfterwards(code: AbortCode) throws {
    try World.run(seed: 11, { $0.clients = 2 }) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "text")
      world.cell.addFault(.init(operation: "StoreData64", fault: .abortAfterwards(code)))
      try await client.overwrite("f", Array(" and more".utf8), at: 4)
      #expect(try await client.readText("f") == "text and more")
      #expect(try await world.clients[1].readText("f") == "text and more")
      try await client.overwrite("f", Array("TEXT".utf8), at: 0)
      #expect(try await world.clients[1].readText("f") == "TEXT and more")
    }
  }

  @Test("After a store that failed for good the error is reported, and the client shows what the server has")
  func storeFails() throws {
    try World.run(seed: 12, { $0.clients = 2 }) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "text")
      world.cell.addFault(.init(operation: "StoreData64", fault: .abort(.vDiskFull)))
      #expect(
        await failure { try await client.overwrite("f", [1, 2, 3], at: 0) } == .noSpace)
      #expect(try await world.clients[1].readText("f") == "text")
      #expect(try await client.readText("f") == "text")
      try await client.overwrite("f", Array("TEXT".utf8), at: 0)
      #expect(try await world.clients[1].readText("f") == "TEXT")
    }
  }

  @Test("Names whose change was answered by an error after all are shown as the server has them")
  func namesAbortedAfterwards() throws {
    try World.run(seed: 13) { world async throws in
      let client = world.clients[0]
      for name in ["a", "b", "c"] { try await client.write(name, name) }
      for operation in ["RemoveFile", "Rename", "MakeDir", "Symlink", "Link"] {
        world.cell.addFault(.init(operation: operation, fault: .abortAfterwards(.vBusy)))
      }
      _ = await failure { try await client.remove("a") }
      _ = await failure { try await client.rename("b", to: "d") }
      _ = await failure { try await client.makeDirectory("e") }
      _ = await failure { try await client.makeSymbolicLink("s", to: "t") }
      _ = await failure { try await client.link("c", as: "l") }
      #expect(try await client.list() == ["c", "d", "e", "l", "s"])
      #expect(try await client.readText("d") == "b")
      #expect(try await client.exists("a") == false)
      #expect(try await client.attributes("c").linkCount == 2)
    }
  }

  @Test("Clocks of servers that jump by a day change nothing", arguments: [86_400, -86_400])
  func clocks(seconds: Int) throws {
    try World.run(
      seed: 14,
      {
        $0.clients = 2
        $0.withKernel = true
      }
    ) { world async throws in
      try await world.clients[0].write("f", "1")
      #expect(try await world.clients[1].readText("f") == "1")
      world.cell.advanceClock(by: .seconds(seconds))
      try await world.clients[0].write("f", "2")
      #expect(try await world.clients[1].readText("f") == "2")
      try await world.clients[1].write("g", "3")
      #expect(try await world.clients[0].list() == ["f", "g"])
      #expect(try await world.clients[0].readText("g") == "3")
    }
  }
}
