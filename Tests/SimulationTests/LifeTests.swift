import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// The end of a client, and of operations that nobody waits for any more.
@Suite struct LifeTests {
  @Test("A client that is shut down stores what it has, gives up its callbacks, and does nothing more")
  func shutDown() throws {
    try World.run(seed: 1, { $0.servers = 2 }) { world async throws in
      let volume = world.cell.makeVolume("other", server: 1)
      world.cell.makeMountPoint("other", in: world.root, target: "#other.")
      let client = world.clients[0]
      try await client.write("f", "text")
      try await client.write("other/g", "text")
      let (f, g) = (try await client.open("f", writes: true), try await client.open("other/g", writes: true))
      try await f.write(Array("TEXT".utf8), at: 0)
      try await g.write(pattern(300_000), at: 4)
      #expect(world.cell.callbackCount(atServer: 0) > 0)
      #expect(world.cell.callbackCount(atServer: 1) > 0)
      try await client.fileSystem.shutDown()
      #expect(world.cell.callbackCount(atServer: 0) == 0)
      #expect(world.cell.callbackCount(atServer: 1) == 0)
      let stored = try #require(world.cell.find(["f"], in: world.rootCell))
      #expect(world.cell.contents(of: stored) == Array("TEXT".utf8))
      let other = try #require(world.cell.find(["g"], in: volume))
      #expect(world.cell.contents(of: other) == Array("text".utf8) + pattern(300_000))
      let before = world.cell.callCounts
      #expect(await failure { try await client.makeDirectory("late") } == .shutDown)
      try await world.sleep(.seconds(1000))
      #expect(world.cell.callCounts == before)
    }
  }

  @Test("A shutdown while no server answers ends in bounded time, and says that data was not stored")
  func shutDownAlone() throws {
    try World.run(seed: 2) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "text")
      let file = try await client.open("f", writes: true)
      try await file.write(Array("TEXT".utf8), at: 0)
      world.servers[0].setDown(true)
      let start = world.now
      let error = await failure { try await client.fileSystem.shutDown() }
      #expect(error == .timedOut || error == .unreachable)
      #expect(world.now - start < .seconds(150))
    }
  }

  typealias Step = @Sendable (Client) async throws -> Void

  static let steps: [(operation: String, Step)] = [
    ("InlineBulkStatus", { client in _ = try await client.attributes("f") }),
    ("FetchData64", { client in _ = try await client.list("d") }),
    ("FetchData64", { client in _ = try await client.read("f") }),
    ("CreateFile", { client in _ = try await client.create("new", exclusive: true) }),
    ("MakeDir", { client in try await client.makeDirectory("new") }),
    ("RemoveFile", { client in try await client.remove("f") }),
    ("Rename", { client in try await client.rename("f", to: "d/f") }),
    (
      "StoreStatus",
      { client in
        try await client.setAttributes("f", AttributeChange(permissions: 0o600))
      }
    ),
  ]

  @Test("An operation whose task is cancelled ends at once, and the client goes on", arguments: steps.indices)
  func cancelled(index: Int) throws {
    let (operation, step) = Self.steps[index]
    try World.run(seed: 3, { $0.clients = 2 }) { world async throws in
      try await world.clients[1].makeDirectory("d")
      try await world.clients[1].write("f", pattern(1000))
      let client = world.clients[0]
      let isFetch = operation.hasPrefix("Fetch") || operation == "InlineBulkStatus"
      // Everything but the operation itself is known already.
      _ = try await client.list()
      if !isFetch {
        _ = try await client.read("f")
        _ = try await client.list("d")
      }
      if operation == "InlineBulkStatus" {
        let fid = try #require(world.cell.find(["f"], in: world.rootCell))
        await world.cell.breakCallbacks([fid])
      }
      world.cell.addFault(.init(operation: operation, times: nil, fault: .hang(.seconds(3000))))
      let running = world.start { try await step(client) }
      try await world.sleep(.seconds(1))
      let start = world.now
      running.cancel()
      let result = await running.result
      #expect(world.now - start < .milliseconds(100))
      #expect(throws: AFSError.interrupted) { try result.get() }
      world.cell.clearFaults()
      #expect(try await client.read("f") == pattern(1000))
      #expect(try await client.list() == ["d", "f"])
      try await step(client)
      #expect(world.now - start < .seconds(5))
    }
  }

  @Test("A flush that is cancelled loses nothing: the next one stores")
  func cancelledFlush() throws {
    try World.run(seed: 4, { $0.clients = 2 }) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "text")
      world.cell.addFault(.init(operation: "StoreData64", fault: .hang(.seconds(20))))
      let file = try await client.open("f", writes: true)
      try await file.write(Array("TEXT".utf8), at: 0)
      let running = world.start { try await file.flush() }
      try await world.sleep(.seconds(1))
      running.cancel()
      let result = await running.result
      #expect(throws: AFSError.interrupted) { try result.get() }
      // The store itself goes on, and is told after a while that it came to nothing.
      try await world.sleep(.seconds(30))
      try await file.flush()
      await file.close()
      #expect(try await world.clients[1].readText("f") == "TEXT")
    }
  }
}
