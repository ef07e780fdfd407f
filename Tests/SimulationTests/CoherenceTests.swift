import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// Two clients with kernels that cache all they may: what one changed the other sees, with its next operation.
@Suite struct CoherenceTests {
  static let seeds: [UInt64] = [1, 2, 3, 4, 5, 6]

  /// Random changes by both, each followed by a look at random names by the other.
  private func change(_ world: World, seed: UInt64, count: Int, names: [String]) async throws {
    var random = SeededGenerator(seed: seed)
    for step in 0..<count {
      let writer = Int.random(in: 0..<2, using: &random)
      let client = world.clients[writer]
      let path = names.randomElement(using: &random) ?? ""
      let other = names.randomElement(using: &random) ?? ""
      let size = Int.random(in: 0..<6000, using: &random)
      let choice = Int.random(in: 0..<10, using: &random)
      do throws(AFSError) {
        switch choice {
        case 0...2: try await client.write(path, pattern(size, step))
        case 3: try await client.overwrite(path, pattern(size, step), at: Int.random(in: 0..<4000, using: &random))
        case 4: try await client.setAttributes(path, AttributeChange(size: UInt64(size)))
        case 5: try await client.remove(path)
        case 6: try await client.rename(path, to: other)
        case 7: try await client.makeDirectory(path)
        case 8: try await client.removeDirectory(path)
        default: try await client.setAttributes(path, AttributeChange(permissions: UInt16(0o600 + step % 64)))
        }
      } catch .notFound, .alreadyExists, .notDirectory, .isDirectory, .notEmpty, .invalidArgument {
        // Random operations often can't be done.
      } catch {
        throw error
      }
      for _ in 0..<3 {
        let path = names.randomElement(using: &random) ?? ""
        try await compare(path, world.clients[1 - writer], world, "seed \(seed), step \(step), choice \(choice)")
        if Bool.random(using: &random) { try await compare(path, client, world, "seed \(seed), step \(step), own") }
      }
    }
  }

  /// Compares what a client shows of a path with what the server has.
  private func compare(_ path: String, _ client: Client, _ world: World, _ comment: Comment) async throws {
    let truth = world.cell.find(path.split(separator: "/").map(String.init), in: world.rootCell)
    let shown: Attributes?
    do throws(AFSError) {
      shown = try await client.attributes(path)
    } catch .notFound, .notDirectory {
      shown = nil
    } catch {
      throw error
    }
    guard let truth, let shown else {
      #expect(truth == nil && shown == nil, "\(path): \(comment)")
      return
    }
    let isDirectory = !truth.vnode.isMultiple(of: 2)
    try #require((shown.kind == .directory) == isDirectory, "\(path): \(comment)")
    if isDirectory {
      let names = world.cell.names(in: truth)?.map { String(decoding: $0, as: UTF8.self) }
      #expect(try await client.list(path) == names, "\(path): \(comment)")
    } else {
      let bytes = world.cell.contents(of: truth) ?? []
      #expect(shown.size == UInt64(bytes.count), "\(path): \(comment)")
      #expect(try await client.read(path) == bytes, "\(path): \(comment)")
    }
    #expect(shown.permissions == world.cell.permissions(of: truth), "\(path): \(comment)")
  }

  @Test("300 random changes by two clients: none is overlooked by the other", arguments: seeds)
  func changes(seed: UInt64) throws {
    try World.run(
      seed: seed,
      {
        $0.clients = 2
        $0.withKernel = true
      }
    ) { world async throws in
      try await world.clients[0].makeDirectory("d")
      try await change(world, seed: seed, count: 300, names: ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "e"])
    }
  }

  @Test("Nor on a network that loses, repeats and reorders", arguments: seeds.prefix(3))
  func changesOnABadNetwork(seed: UInt64) throws {
    try World.run(
      seed: seed,
      {
        $0.clients = 2
        $0.withKernel = true
        $0.conditions = .bad
      }
    ) { world async throws in
      try await world.clients[0].makeDirectory("d")
      try await change(world, seed: seed, count: 100, names: ["a", "b", "d", "d/a", "d/b"])
    }
  }

  @Test("Nor when promises are short and servers forget them, with or without a word", arguments: seeds.prefix(3))
  func changesWithForgetting(seed: UInt64) throws {
    try World.run(
      seed: seed,
      {
        $0.clients = 2
        $0.withKernel = true
      }
    ) { world async throws in
      world.cell.setCallbackLifetime(.seconds(20))
      try await world.clients[0].makeDirectory("d")
      for round in 0..<10 {
        try await change(world, seed: seed &* 100 &+ UInt64(round), count: 20, names: ["a", "b", "d", "d/a", "d/b"])
        if round.isMultiple(of: 2) {
          await world.cell.initializeCallbackState(server: 0)
        } else {
          // Nobody is told: what was promised may be believed until it ends, and no longer.
          world.cell.forgetCallbacksSilently(server: 0)
          try await world.sleep(.seconds(21))
        }
      }
    }
  }

  @Test("What one client has written and not closed is not seen by the other, and is by itself")
  func unflushed() throws {
    try World.run(
      seed: 20,
      {
        $0.clients = 2
        $0.withKernel = true
      }
    ) { world async throws in
      let (writer, reader) = (world.clients[0], world.clients[1])
      try await writer.write("f", "old text")
      #expect(try await reader.readText("f") == "old text")
      let file = try await writer.open("f", writes: true)
      try await file.write(Array("NEW".utf8), at: 0)
      #expect(try await writer.readText("f") == "NEW text")
      #expect(try await reader.readText("f") == "old text")
      try await file.flush()
      #expect(try await reader.readText("f") == "NEW text")
      await file.close()
    }
  }

  @Test("Parts of one file written by two clients in turn are all there", arguments: seeds.prefix(3))
  func parts(seed: UInt64) throws {
    try World.run(
      seed: seed,
      {
        $0.clients = 2
        $0.withKernel = true
      }
    ) { world async throws in
      var expected = pattern(20_000)
      try await world.clients[0].write("f", expected)
      var random = SeededGenerator(seed: seed)
      for step in 0..<60 {
        let client = world.clients[Int.random(in: 0..<2, using: &random)]
        let piece = pattern(Int.random(in: 1..<5000, using: &random), step + 1)
        let offset = Int.random(in: 0..<20_000 - piece.count, using: &random)
        try await client.overwrite("f", piece, at: offset)
        expected.replaceSubrange(offset..<offset + piece.count, with: piece)
        for client in world.clients { #expect(try await client.read("f") == expected, "step \(step)") }
      }
    }
  }
}
