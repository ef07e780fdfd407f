import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import Synchronization
import TestWorld
import Testing

/// Fetches which a server does not bring to their end, and servers that know only the 32-bit calls.
@Suite struct FetchFailoverTests {
  /// A world with `f` in a volume released to two servers, and a client which knows the file's status.
  private func replicated(
    _ bytes: [UInt8], seed: UInt64, _ body: @escaping @Sendable (World, Client) async throws -> Void
  ) throws {
    try World.run(
      seed: seed,
      {
        $0.servers = 2
        $0.clients = 0
        $0.conditions = NetworkConditions(delay: .milliseconds(10))
      }
    ) { world async throws in
      world.cell.makeFile(Array("f".utf8), in: world.root, bytes)
      await world.cell.release("root.cell", to: [0, 1])
      let client = world.addClient()
      _ = try await client.attributes("f")
      try await body(world, client)
    }
  }

  @Test(
    "A server that is lost in the middle of a fetch is replaced by another, which continues",
    arguments: 1...4 as ClosedRange<UInt64>)
  func lostInTheMiddle(seed: UInt64) throws {
    let bytes = pattern(6_000_000)
    try replicated(bytes, seed: seed) { world, client async throws in
      let reading = world.start { try await client.read("f") }
      try await world.sleep(.milliseconds(Int64(100 + 25 * seed)))
      // Whichever is being read from.
      let busy = world.cell.callbackCount(atServer: 0) > 0 ? 0 : 1
      world.servers[busy].setDown(true)
      #expect(try await reading.value == bytes)
      #expect(client.log.lines(with: "does not answer").count == 1)
    }
  }

  /// Takes the bytes of one fetch, and notes where its pieces begin anew.
  private final class Receiver: Sendable {
    private let state = Mutex((bytes: [UInt8](), restarts: 0))

    func take(_ piece: UnsafeRawBufferPointer, at offset: UInt64) {
      state.withLock { state in
        if offset != UInt64(state.bytes.count) {
          state.restarts += 1
          state.bytes.removeLast(state.bytes.count - Int(offset))
        }
        state.bytes += piece
      }
    }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var restarts: Int { state.withLock { $0.restarts } }
  }

  /// One fetch of all of `f`.
  private func fetch(_ client: Client, count: Int) async throws -> Receiver {
    let context = client.fileSystem.context
    let key = try await client.node("f").key.file
    let receiver = Receiver()
    let result = try await ServerFileTransfers(context: context).fetch(
      key, offset: 0, count: UInt64(count), as: client.identity
    ) { piece, offset throws(AFSError) in receiver.take(piece, at: offset) }
    #expect(result.count == UInt64(receiver.bytes.count))
    return receiver
  }

  @Test("What came before the break is not asked for again when it is of the promised version")
  func continues() throws {
    let bytes = pattern(5_000_000)
    try replicated(bytes, seed: 11) { world, client async throws in
      world.cell.addFault(.init(operation: "FetchData64", fault: .breakOff(after: 3_500_000, .vOffline)))
      let receiver = try await fetch(client, count: bytes.count)
      #expect(receiver.bytes == bytes)
      #expect(receiver.restarts == 0)
      // What was in the server's window when the call broke is lost (1024 packets), and a piece that was not full.
      let sent = world.cell.bytesFetched
      #expect((5_000_000...6_800_000).contains(sent), "\(sent) bytes were sent")
    }
  }

  @Test("A part of an older version is not continued: all of the file is of the new one")
  func otherVersion() throws {
    let (old, new) = (pattern(4_000_000), [UInt8](repeating: 7, count: 4_000_000))
    try replicated(old, seed: 12) { world, client async throws in
      let fid = try #require(world.cell.find(["f"], in: world.rootCell))
      world.cell.addFault(.init(operation: "FetchData64", fault: .breakOff(after: 3_500_000, .vOffline)))
      world.cell.addFault(.init(operation: "FetchData64", fault: .delay(.seconds(3))))
      let reading = world.start { try await fetch(client, count: old.count) }
      try await world.sleep(.seconds(2))
      await world.cell.overwrite(fid, with: new)
      await world.cell.release("root.cell", to: [0, 1], breaksCallbacks: false)
      let receiver = try await reading.value
      #expect(receiver.bytes == new)
      #expect(receiver.restarts == 1)
    }
  }

  @Test("The only server's fetch that was broken off goes on when the server is back")
  func sameServer() throws {
    try World.run(seed: 13) { world async throws in
      let client = world.clients[0]
      let bytes = pattern(4_000_000)
      world.cell.makeFile(Array("f".utf8), in: world.root, bytes)
      _ = try await client.attributes("f")
      world.cell.addFault(.init(operation: "FetchData64", fault: .breakOff(after: 3_000_000, .vRestarting)))
      #expect(try await fetch(client, count: bytes.count).bytes == bytes)
    }
  }

  @Test("A server without the 64-bit calls is read and written with the older ones")
  func only32Bits() throws {
    try World.run(seed: 14, { $0.clients = 2 }) { world async throws in
      for operation in ["FetchData64", "StoreData64"] {
        world.cell.addFault(.init(operation: operation, times: nil, fault: .abort(.rxgenOpcode)))
      }
      let bytes = pattern(3_000_000)
      try await world.clients[0].write("f", bytes)
      #expect(try await world.clients[1].read("f") == bytes)
      try await world.clients[1].setAttributes("f", AttributeChange(size: 10))
      #expect(try await world.clients[0].read("f") == Array(bytes.prefix(10)))
      let counts = world.cell.callCounts
      // Asked once each: then it is known. (Directories are fetched too.)
      #expect(counts["FetchData64"] == 2)
      #expect((counts["StoreData64"] ?? 0) <= 1)
      #expect((counts["StoreData"] ?? 0) >= 2)
    }
  }

  @Test("What 32 bits cannot say is refused as too large, and nothing is stored wrongly")
  func tooLargeFor32Bits() throws {
    try World.run(seed: 15) { world async throws in
      let client = world.clients[0]
      try await client.write("f", "text")
      world.cell.addFault(.init(operation: "StoreData64", times: nil, fault: .abort(.rxgenOpcode)))
      #expect(
        await failure { try await client.setAttributes("f", AttributeChange(size: 5 << 30)) } == .fileTooLarge)
      #expect(try await client.readText("f") == "text")
    }
  }
}
