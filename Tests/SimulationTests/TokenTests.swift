import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// A whole client with its user's tickets: renewals, their end, and a KDC that does not answer.
@Suite struct TokenTests {
  /// A world with a volume that is alice's alone, mounted at `private`, and a client of hers.
  private static func run(
    seed: UInt64, _ body: @escaping @Sendable (World, Client, TicketHolder) async throws -> Void
  ) throws {
    try World.run(seed: seed, { $0.clients = 0 }) { world in
      world.cell.addUser("alice", id: 1001)
      let volume = world.cell.makeVolume("user.alice", server: 0, isOpen: false)
      world.cell.setRights(
        [.read, .lookup, .write, .insert, .delete, .lock], of: 1001, on: .root(of: volume))
      world.cell.makeMountPoint("private", in: world.root, target: "#user.alice.")
      let alice = TicketHolder("alice", cell: world.cell, timer: world.simulator.timer)
      let client = world.addClient(tokens: alice)
      try await body(world, client, alice)
    }
  }

  /// How an operation ends, and how long that takes.
  private static func outcome(
    _ world: World, _ body: () async throws(AFSError) -> Void
  ) async -> (error: AFSError?, took: Duration) {
    let start = world.now
    do throws(AFSError) {
      try await body()
      return (nil, world.now - start)
    } catch {
      return (error, world.now - start)
    }
  }

  @Test("An hour's copying goes through sixty tickets of a minute without an error")
  func hour() throws {
    try Self.run(seed: 1) { world, client, alice in
      alice.kinit(for: 60)
      let end = world.now + .seconds(3600)
      var count = 0
      while world.now < end {
        // As a renewable ticket is renewed, which the daemon does by itself.
        alice.extend(for: 60)
        try await client.write("private/file\(count % 7)", "copy \(count)")
        #expect(try await client.read("private/file\(count % 7)") == Array("copy \(count)".utf8))
        count += 1
        try await world.sleep(.seconds(3))
      }
      #expect(count > 1000)
      // After four fifths of each token's life.
      #expect((60...90).contains(alice.asked), "\(alice.asked)")
    }
  }

  @Test(
    "After kdestroy and the end of the token there is a clear refusal; a new ticket goes on and stores what was written"
  )
  func expiry() throws {
    try Self.run(seed: 2) { world, client, alice in
      alice.kinit(for: 60)
      try await client.write("private/before", "stored")
      let file = try await client.create("private/dirty")
      try await file.write(Array("kept".utf8), at: 0)
      alice.kdestroy()
      #expect(try await client.read("private/before") == Array("stored".utf8))
      try await world.sleep(.seconds(61))
      let read = await Self.outcome(world) { () async throws(AFSError) in _ = try await client.list("private") }
      #expect(read.error == .tokenExpired && read.took < .seconds(1), "\(read)")
      let stored = await Self.outcome(world) { () async throws(AFSError) in try await file.flush() }
      #expect(stored.error == .tokenExpired && stored.took < .seconds(1), "\(stored)")
      await file.close()
      #expect(client.fileSystem.cellsAwaitingTokens == ["mock.example"])
      alice.kinit(for: 600)
      try await world.sleep(.seconds(3))
      #expect(client.fileSystem.cellsAwaitingTokens == [])
      #expect(try await client.read("private/dirty") == Array("kept".utf8))
      let second = world.addClient(tokens: alice)
      #expect(try await second.read("private/dirty") == Array("kept".utf8))
    }
  }

  @Test("A KDC that is silent delays no one who has a token, and refusals after its end by less than a second")
  func silentKDC() throws {
    try Self.run(seed: 3) { world, client, alice in
      alice.kinit(for: 100)
      try await client.write("private/file", "text")
      alice.isKDCSilent = true
      while world.now < .zero + .seconds(95) {
        let write = await Self.outcome(world) { () async throws(AFSError) in
          try await client.write("private/file", "text")
        }
        #expect(write.error == nil && write.took < .seconds(1), "\(write)")
        try await world.sleep(.seconds(1))
      }
      // The ticket lives on, but nobody gives a token for it.
      alice.extend(for: 1000)
      try await world.sleep(.seconds(10))
      for _ in 0..<5 {
        let list = await Self.outcome(world) { () async throws(AFSError) in _ = try await client.list("private") }
        #expect(list.error == .tokenExpired && list.took < .seconds(1), "\(list)")
      }
      alice.isKDCSilent = false
      try await world.sleep(.seconds(60))
      try await client.write("private/file", "after")
    }
  }

  @Test("Who has no token is anonymous, and the log says so once")
  func anonymous() throws {
    try Self.run(seed: 5) { world, client, alice in
      for _ in 0..<5 {
        _ = try await client.list()
        try await world.sleep(.seconds(2))
      }
      func told() -> Int { client.log.lines(with: "access is anonymous").count }
      #expect(told() == 1)
      alice.kinit(for: 100)
      try await client.write("private/file", "text")
      #expect(told() == 1)
    }
  }

  @Test("Who has no token yet waits for a silent KDC a few seconds, and gets what everybody gets")
  func silentFromTheStart() throws {
    try Self.run(seed: 4) { world, client, alice in
      alice.kinit(for: 1000)
      alice.isKDCSilent = true
      let list = await Self.outcome(world) { () async throws(AFSError) in _ = try await client.list() }
      #expect(list.error == nil && list.took < .seconds(6), "\(list)")
      let refused = await Self.outcome(world) { () async throws(AFSError) in _ = try await client.list("private") }
      #expect(refused.error == .accessDenied && refused.took < .seconds(1), "\(refused)")
      alice.isKDCSilent = false
      try await world.sleep(.seconds(60))
      try await client.write("private/file", "after")
    }
  }
}
