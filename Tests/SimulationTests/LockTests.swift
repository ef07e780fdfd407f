import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// Locks between processes of one host and between hosts.
@Suite struct LockTests {
  private func exclusive(_ owner: UInt64, _ range: Range<UInt64> = 0..<UInt64.max, waits: Bool = false) -> LockRequest {
    LockRequest(style: .record, owner: owner, processID: Int32(owner), range: range, isExclusive: true, waits: waits)
  }

  private func shared(_ owner: UInt64, _ range: Range<UInt64> = 0..<UInt64.max, waits: Bool = false) -> LockRequest {
    LockRequest(style: .record, owner: owner, processID: Int32(owner), range: range, isExclusive: false, waits: waits)
  }

  private func whole(_ owner: UInt64, exclusive: Bool = true, waits: Bool = false) -> LockRequest {
    LockRequest(style: .wholeFile, owner: owner, isExclusive: exclusive, waits: waits)
  }

  private func count(_ world: World, _ operation: String) -> Int { world.cell.callCounts[operation, default: 0] }

  /// A world with `f` open for writing at two clients.
  private func twoHosts(
    seed: UInt64, _ body: @escaping @Sendable (World, any OpenFile, any OpenFile) async throws -> Void
  ) throws {
    try World.run(seed: seed, { $0.clients = 2 }) { world async throws in
      try await world.clients[0].write("f", "text")
      let (a, b) = (
        try await world.clients[0].open("f", writes: true), try await world.clients[1].open("f", writes: true)
      )
      try await body(world, a.file, b.file)
      withExtendedLifetime((a, b)) {}
    }
  }

  @Test("A lock of one host excludes the other's, of either style, until it is given back")
  func betweenHosts() throws {
    try twoHosts(seed: 1) { world, a, b async throws in
      for (first, second) in [(exclusive(1), exclusive(1)), (whole(1), exclusive(1, 5..<6)), (exclusive(2), whole(3))] {
        try await a.lock(first)
        #expect(await failure { try await b.lock(second) } == .wouldBlock)
        await a.unlock(first.style, owner: first.owner, range: first.range)
        try await b.lock(second)
        #expect(await failure { try await a.lock(first) } == .wouldBlock)
        await b.unlock(second.style, owner: second.owner, range: second.range)
      }
    }
  }

  @Test("Readers of two hosts share; a writer waits for the last of them")
  func readers() throws {
    try twoHosts(seed: 2) { world, a, b async throws in
      try await a.lock(shared(1))
      try await b.lock(shared(1))
      #expect(await failure { try await a.lock(exclusive(1)) } == .wouldBlock)
      let writing = world.start { try await b.lock(exclusive(1, waits: true)) }
      try await world.sleep(.seconds(5))
      let start = world.now
      await a.unlock(.record, owner: 1, range: 0..<UInt64.max)
      try await writing.value
      // By the server's break, or the next question.
      #expect(world.now - start < .seconds(2))
      #expect(await failure { try await a.lock(shared(1)) } == .wouldBlock)
    }
  }

  @Test("Processes of one host lock ranges among themselves with one lock at the server")
  func ranges() throws {
    try twoHosts(seed: 3) { world, a, b async throws in
      try await a.lock(exclusive(1, 0..<10))
      try await a.lock(exclusive(2, 10..<20))
      #expect(await failure { try await a.lock(shared(3, 5..<15)) } == .wouldBlock)
      #expect(count(world, "SetLock") == 1)
      // The server knows whole files: another host has to wait for all ranges.
      #expect(await failure { try await b.lock(exclusive(1, 500..<600)) } == .wouldBlock)
      await a.unlock(.record, owner: 1, range: 0..<UInt64.max)
      #expect(count(world, "ReleaseLock") == 0)
      #expect(await failure { try await b.lock(exclusive(1, 500..<600)) } == .wouldBlock)
      await a.unlock(.record, owner: 2, range: 0..<UInt64.max)
      #expect(count(world, "ReleaseLock") == 1)
      try await b.lock(exclusive(1, 500..<600))
    }
  }

  @Test("A waiter of the same host gets the lock at once; one that is interrupted leaves the queue")
  func waiting() throws {
    try twoHosts(seed: 4) { world, a, _ async throws in
      try await a.lock(whole(1))
      let waiting = world.start { try await a.lock(whole(2, waits: true)) }
      let interrupted = world.start { try await a.lock(whole(3, waits: true)) }
      try await world.sleep(.seconds(1))
      interrupted.cancel()
      let result = await interrupted.result
      #expect(throws: AFSError.interrupted) { try result.get() }
      let start = world.now
      await a.unlock(.wholeFile, owner: 1, range: 0..<UInt64.max)
      try await waiting.value
      #expect(world.now - start < .milliseconds(200))
      #expect(await failure { try await a.lock(whole(3)) } == .wouldBlock)
    }
  }

  @Test("A wait for another host ends when it is interrupted, and leaves no lock behind")
  func interruptedWait() throws {
    try twoHosts(seed: 5) { world, a, b async throws in
      try await a.lock(exclusive(1))
      let waiting = world.start { try await b.lock(exclusive(1, waits: true)) }
      try await world.sleep(.seconds(3))
      let start = world.now
      waiting.cancel()
      let result = await waiting.result
      #expect(throws: AFSError.interrupted) { try result.get() }
      #expect(world.now - start < .milliseconds(100))
      await a.unlock(.record, owner: 1, range: 0..<UInt64.max)
      try await world.sleep(.seconds(10))
      try await a.lock(exclusive(1))
    }
  }

  @Test("What is written under a lock is at the server when the lock is given back, without fsync or close")
  func storedAtUnlock() throws {
    try World.run(seed: 6, { $0.clients = 2 }) { world async throws in
      try await world.clients[0].write("f", "0000")
      let files = [
        try await world.clients[0].open("f", writes: true), try await world.clients[1].open("f", writes: true),
      ]
      for round in 1...20 {
        let file = files[round % 2]
        try await file.file.lock(exclusive(7, waits: true))
        let text = String(decoding: try await file.readThrough(at: 0, count: 4), as: UTF8.self)
        #expect(Int(text) == round - 1)
        try await file.write(
          Array(String(repeating: "0", count: 4 - "\(round)".count).utf8) + Array("\(round)".utf8), at: 0)
        await file.file.unlock(.record, owner: 7, range: 0..<UInt64.max)
      }
    }
  }

  @Test("A lock lives as long as it is held, for hours, and through an outage shorter than its time")
  func extended() throws {
    try twoHosts(seed: 7) { world, a, b async throws in
      try await a.lock(exclusive(1))
      for _ in 0..<8 {
        try await world.sleep(.seconds(900))
        #expect(await failure { try await b.lock(exclusive(1)) } == .wouldBlock)
      }
      world.servers[0].setDown(true)
      try await world.sleep(.seconds(120))
      world.servers[0].setDown(false)
      try await world.sleep(.seconds(900))
      #expect(await failure { try await b.lock(exclusive(1)) } == .wouldBlock)
      await a.unlock(.record, owner: 1, range: 0..<UInt64.max)
      try await b.lock(exclusive(1))
    }
  }

  @Test("A lock whose volume moved is taken anew at the new server")
  func moved() throws {
    try World.run(
      seed: 8,
      {
        $0.servers = 2; $0.clients = 2
      }
    ) { world async throws in
      try await world.clients[0].write("f", "text")
      let (a, b) = (
        try await world.clients[0].open("f", writes: true), try await world.clients[1].open("f", writes: true)
      )
      try await a.file.lock(exclusive(1))
      await world.cell.move(world.rootCell, to: 1)
      world.cell.forgetLocks(volume: world.rootCell)
      try await world.sleep(.seconds(200))
      #expect(await failure { try await b.file.lock(exclusive(1)) } == .wouldBlock)
      withExtendedLifetime((a, b)) {}
    }
  }

  @Test("Who has lost his lock to another host is told so by his next request, and can begin anew")
  func lost() throws {
    try twoHosts(seed: 9) { world, a, b async throws in
      try await a.lock(exclusive(1))
      world.servers[0].setDown(true)
      try await world.sleep(.seconds(400))
      world.cell.forgetLocks(volume: world.rootCell)
      world.servers[0].setDown(false)
      try await b.lock(exclusive(1, waits: true))
      try await world.sleep(.seconds(30))
      #expect(await failure { try await a.lock(exclusive(1, 0..<1)) } == .system(5))
      #expect(world.clients[0].log.lines(with: "locks on /f (").count >= 1)
      await a.unlock(.record, owner: 1, range: 0..<UInt64.max)
      #expect(await failure { try await a.lock(exclusive(1)) } == .wouldBlock)
      await b.unlock(.record, owner: 1, range: 0..<UInt64.max)
      #expect(world.clients[0].fileSystem.context.locks.count == 0)
      try await a.lock(exclusive(1))
    }
  }

  @Test("A signal while the server grants a lock: the lock goes back, for other hosts and for us")
  func interruptedGrant() throws {
    try twoHosts(seed: 13) { world, a, b async throws in
      for fault in [FaultPlan.Fault.delay(.seconds(2)), .delayReply(.seconds(2))] {
        world.cell.addFault(.init(operation: "SetLock", fault: fault))
        let locking = world.start { try await a.lock(exclusive(1)) }
        try await world.sleep(.seconds(1))
        let start = world.now
        locking.cancel()
        let result = await locking.result
        #expect(throws: AFSError.interrupted) { try result.get() }
        #expect(world.now - start < .milliseconds(100))
        try await world.sleep(.seconds(3))
        for file in [b, a] {
          try await file.lock(exclusive(1))
          await file.unlock(.record, owner: 1, range: 0..<UInt64.max)
        }
      }
      #expect(world.clients[0].fileSystem.context.locks.count == 0)
    }
  }

  @Test("A signal while a reader's lock becomes a writer's costs the readers of this host nothing")
  func interruptedUpgrade() throws {
    try twoHosts(seed: 14) { world, a, b async throws in
      for fault in [FaultPlan.Fault.delay(.seconds(2)), .delayReply(.seconds(2))] {
        try await a.lock(shared(1, 0..<10))
        world.cell.addFault(.init(operation: "SetLock", fault: fault))
        let locking = world.start { try await a.lock(exclusive(2, 10..<20)) }
        try await world.sleep(.seconds(1))
        locking.cancel()
        let result = await locking.result
        #expect(throws: AFSError.interrupted) { try result.get() }
        try await world.sleep(.seconds(3))
        try await a.lock(shared(1, 0..<5))
        #expect(await failure { try await b.lock(exclusive(1)) } == .wouldBlock)
        await a.unlock(.record, owner: 1, range: 0..<UInt64.max)
        try await b.lock(exclusive(1))
        await b.unlock(.record, owner: 1, range: 0..<UInt64.max)
      }
    }
  }

  @Test("A file that is not locked any more leaves memory like any other, also after F_GETLK")
  func eviction() throws {
    try World.run(seed: 15, { $0.configure = { $0.vnodeCountMax = 8 } }) { world async throws in
      let client = world.clients[0]
      for number in 0..<20 {
        try await client.write("f\(number)", "text")
        let opened = try await client.open("f\(number)", writes: true)
        #expect(try await opened.file.obstacle(to: exclusive(1)) == nil)
        #expect(!opened.file.hasLocks)
        try await opened.file.lock(exclusive(1))
        #expect(opened.file.hasLocks)
        await opened.file.unlock(.record, owner: 1, range: 0..<UInt64.max)
        await opened.file.close()
      }
      #expect(client.fileSystem.context.vnodes.count <= 8)
    }
  }

  @Test("F_GETLK names the process of this host, or says that another host is in the way")
  func obstacles() throws {
    try twoHosts(seed: 10) { world, a, b async throws in
      #expect(try await a.obstacle(to: exclusive(1)) == nil)
      try await a.lock(exclusive(1, 10..<20))
      let local = try await a.obstacle(to: shared(2, 0..<100))
      #expect(local == HeldLock(processID: 1, range: 10..<20, isExclusive: true))
      #expect(try await a.obstacle(to: exclusive(1, 0..<100)) == nil)
      let remote = try await b.obstacle(to: shared(1, 0..<100))
      #expect(remote?.processID == 0 && remote?.isExclusive == true)
      await a.unlock(.record, owner: 1, range: 0..<UInt64.max)
      #expect(try await b.obstacle(to: shared(1, 0..<100)) == nil)
    }
  }

  @Test("A client that ends leaves no lock behind")
  func shutDown() throws {
    try twoHosts(seed: 11) { world, a, b async throws in
      try await a.lock(exclusive(1))
      try await world.clients[0].fileSystem.shutDown()
      try await b.lock(exclusive(1))
    }
  }

  @Test("A client that ends while the server grants a lock leaves none behind")
  func shutDownDuringGrant() throws {
    try twoHosts(seed: 16) { world, a, b async throws in
      world.cell.addFault(.init(operation: "SetLock", fault: .delay(.seconds(2))))
      let locking = world.start { try await a.lock(exclusive(1)) }
      try await world.sleep(.seconds(1))
      try await world.clients[0].fileSystem.shutDown()
      _ = await locking.result
      try await world.sleep(.seconds(2))
      try await b.lock(exclusive(1))
    }
  }

  @Test("Where only reading is allowed, readers lock among themselves and writers are refused clearly")
  func rights() throws {
    try World.run(seed: 12) { world async throws in
      world.cell.makeFile(Array("f".utf8), in: world.root, [1])
      world.cell.setRights([.read, .lookup], of: -101, on: world.root)
      let file = try await world.clients[0].open("f")
      try await file.file.lock(shared(1))
      try await file.file.lock(shared(2))
      #expect(await failure { try await file.file.lock(exclusive(1)) } == .wouldBlock)
      await file.file.unlock(.record, owner: 2, range: 0..<UInt64.max)
      #expect(await failure { try await file.file.lock(exclusive(1)) } == .notPermitted)
    }
  }

  @Test("Random locks of three hosts never overlap wrongly", arguments: 1...6 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    try World.run(seed: seed, { $0.clients = 3 }) { world async throws in
      try await world.clients[0].write("f", "text")
      var holders: [(host: Int, owner: UInt64, isExclusive: Bool)] = []
      var files: [OpenedFile] = []
      for client in world.clients { files.append(try await client.open("f", writes: true)) }
      var generator = SeededGenerator(seed: seed)
      for _ in 0..<300 {
        let (host, owner) = (Int.random(in: 0..<3, using: &generator), UInt64.random(in: 1...3, using: &generator))
        let mine = holders.firstIndex { $0.host == host && $0.owner == owner }
        if let mine, Bool.random(using: &generator) {
          await files[host].file.unlock(.wholeFile, owner: owner, range: 0..<UInt64.max)
          holders.remove(at: mine)
          continue
        }
        let isExclusive = Bool.random(using: &generator)
        let error = await failure { try await files[host].file.lock(whole(owner, exclusive: isExclusive)) }
        let others = holders.filter { $0.host != host || $0.owner != owner }
        if error == nil {
          #expect(isExclusive ? others.isEmpty : !others.contains { $0.isExclusive })
          if let mine { holders.remove(at: mine) }
          holders.append((host, owner, isExclusive))
        } else {
          #expect(error == .wouldBlock)
          // Refused without need only where a host keeps a writer's lock for what was downgraded.
        }
        try await world.sleep(.milliseconds(Int64.random(in: 0..<5000, using: &generator)))
      }
    }
  }
}
