import AFSBase
import AFSCache
import AFSTypes
import Synchronization
import Testing

@testable import AFSClient

@Suite struct FileContentsReadingTests {
  @Test("A small file comes in one call, and then from the cache")
  func small() throws {
    let data = pattern(0..<100_000)
    let bench = try FileBench(data)
    try bench.run { bench async throws in
      let file = bench.open()
      #expect(try file.cachedBytes(0..<10) == nil)
      #expect(try await file.bytes(50_000..<50_010) == Array(data[50_000..<50_010]))
      #expect(bench.server.fetches.map(\.count) == [100_000])
      await bench.sleep(.seconds(1))
      #expect(try file.cachedBytes(0..<200_000) == data)
      #expect(try file.cachedBytes(100_000..<100_001) == [])
      #expect(bench.server.calls.count == 1)
      #expect(bench.server.calls[0].identity == bench.me)
      await file.close()
    }
  }

  @Test("An empty file needs no call")
  func empty() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      #expect(try bench.open().cachedBytes(0..<10) == [])
      #expect(bench.server.calls.isEmpty)
    }
  }

  @Test("A sequential reader gets few long calls, a bounded number at a time", arguments: [4096, 32_768, 256 << 10])
  func sequential(step: Int) throws {
    let size = 6 << 20
    let data = pattern(0..<UInt64(size))
    var limits = FileContentsContext.Limits()
    limits.readAhead.windowMin = 256 << 10
    limits.readAhead.windowMax = 4 << 20
    limits.readAhead.callMax = 2 << 20
    let bench = try FileBench(data, limits: limits, pieceSize: 64 << 10)
    try bench.run { bench async throws in
      let file = bench.open()
      var isEqual = true
      for offset in stride(from: 0, to: size, by: step) {
        let bytes = try await file.bytes(UInt64(offset)..<UInt64(offset + step))
        isEqual = isEqual && bytes[...] == data[offset..<offset + step]
      }
      #expect(isEqual)
      let calls = bench.server.fetches
      #expect(calls.count <= 12, "\(calls.map { ($0.offset, $0.count) })")
      #expect(calls.reduce(0) { $0 + $1.count } == UInt64(size))
      #expect((2...4).contains(bench.server.inFlightMax), "\(bench.server.inFlightMax)")
      #expect(calls.contains { $0.count >= 1 << 20 })
    }
  }

  @Test("From a distant server come more and shorter calls at a time, and the whole file so much sooner")
  func distant() throws {
    let size = 16 << 20
    let data = pattern(0..<UInt64(size))
    func read(_ distance: Duration) throws -> (inFlight: Int, time: Duration) {
      var limits = FileContentsContext.Limits()
      limits.distance = distance
      // 20 ms a piece: what a window of 45 KB and that round trip allow.
      let bench = try FileBench(
        data, limits: limits, pieceSize: 45_312, latency: .milliseconds(20), pieceTime: .milliseconds(20))
      return try bench.run { bench async throws in
        let file = bench.open()
        var isEqual = true
        for offset in stride(from: 0, to: size, by: 128 << 10) {
          let bytes = try await file.bytes(UInt64(offset)..<UInt64(offset + 128 << 10))
          isEqual = isEqual && bytes[...] == data[offset..<offset + 128 << 10]
        }
        #expect(isEqual)
        #expect(bench.server.fetches.reduce(0) { $0 + $1.count } == UInt64(size))
        return (bench.server.inFlightMax, bench.now - .zero)
      }
    }
    let few = try read(.seconds(1))
    let many = try read(.milliseconds(5))
    #expect(few.inFlight <= 4)
    #expect((6...9).contains(many.inFlight), "\(many.inFlight)")
    #expect(many.time * 2 < few.time, "\(many.time), \(few.time)")
  }

  @Test("A jumping reader moves little more than it reads")
  func random() throws {
    let data = pattern(0..<4 << 20)
    let bench = try FileBench(data)
    try bench.run { bench async throws in
      let file = bench.open()
      var generator = SeededGenerator(seed: 5)
      for _ in 0..<40 {
        let offset = UInt64.random(in: (1 << 20)...(3 << 20), using: &generator)
        #expect(try await file.bytes(offset..<offset + 4096) == Array(data[Int(offset)..<Int(offset) + 4096]))
      }
      #expect(bench.server.fetches.allSatisfy { $0.count <= 128 << 10 })
      #expect(bench.server.fetches.count <= 40)
    }
  }

  @Test("A reader is served while its call is still streaming")
  func streaming() throws {
    let data = pattern(0..<1 << 20)
    let bench = try FileBench(data, pieceSize: 65536)
    try bench.run { bench async throws in
      let file = bench.open()
      let start = bench.now
      #expect(try await file.bytes(0..<65536) == Array(data[..<65536]))
      let first = bench.now - start
      #expect(bench.server.fetches.map(\.count) == [1 << 20])
      _ = try await file.bytes(UInt64(data.count) - 1..<UInt64(data.count))
      let last = bench.now - start
      #expect(first * 4 < last)
    }
  }

  @Test("Readers of the same bytes share one call")
  func shared() throws {
    let data = pattern(0..<200_000)
    let bench = try FileBench(data)
    try bench.run { bench async throws in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<20 {
          let offset = UInt64(index * 10_000)
          group.addTask {
            try await bench.open().bytes(offset..<offset + 10_000) == Array(data[Int(offset)..<Int(offset) + 10_000])
          }
        }
        for try await isEqual in group { #expect(isEqual) }
      }
      #expect(bench.server.fetches.count == 1)
    }
  }

  @Test("An interrupted reader ends at once, the others get their bytes from the same call")
  func interrupted() throws {
    let data = pattern(0..<200_000)
    let bench = try FileBench(data, latency: .seconds(5))
    try bench.run { bench async throws in
      let file = bench.open()
      let outcome = Shared<AFSError?>(nil)
      let first = bench.inBackground {
        do throws(AFSError) { _ = try await file.bytes(0..<10) } catch { outcome.set(error) }
      }
      let second = bench.inBackground {
        let bytes = try? await file.bytes(100..<200)
        #expect(bytes == Array(data[100..<200]))
      }
      await bench.sleep(.seconds(1))
      first.cancel()
      await first.value
      #expect(outcome.value == .interrupted)
      #expect(bench.now < .zero + .seconds(2))
      await second.value
      #expect(bench.server.fetches.count == 1)
    }
  }

  @Test("A failed call fails who waits for its bytes, and the next read asks again")
  func failure() throws {
    let data = pattern(0..<300_000)
    let bench = try FileBench(data)
    try bench.run { bench async throws in
      let file = bench.open()
      bench.server.fail(.init(kind: .fetch, error: .timedOut, afterBytes: 131_072))
      // What came before the failure has been served.
      #expect(try await file.bytes(0..<1000) == Array(data[..<1000]))
      await #expect(throws: AFSError.timedOut) { _ = try await file.bytes(250_000..<250_010) }
      bench.server.succeed()
      #expect(try await file.bytes(250_000..<250_010) == Array(data[250_000..<250_010]))
      #expect(try await file.bytes(0..<300_000) == data)
    }
  }

  @Test("A server which sends less than there is gets an error, not a reader who waits for ever")
  func short() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      let file = bench.open()
      let right = bench.server.contents
      // The same version, as if nothing had changed, and shorter.
      bench.server.restore(SparseBytes(pattern(0..<10)), version: bench.server.status.dataVersion.rawValue)
      await #expect(throws: AFSError.busy) { _ = try await file.bytes(0..<1000) }
      bench.server.restore(right, version: bench.server.status.dataVersion.rawValue)
      #expect(try await file.bytes(0..<1000).count == 1000)
    }
  }

  @Test("The size shrinks at the first call that tells of it")
  func shrinks() throws {
    let bench = try FileBench(pattern(0..<100_000))
    try bench.run { bench async throws in
      let file = bench.open()
      bench.server.change { $0.resize(to: 500) }
      #expect(try await file.bytes(400..<1000).count == 100)
      #expect(file.size == 500)
      #expect(try await file.bytes(600..<1000) == [])
    }
  }

  @Test("Closing the last descriptor ends read-ahead")
  func abandoned() throws {
    let bench = try FileBench(pattern(0..<4 << 20), pieceSize: 65536)
    try bench.run { bench async throws in
      let file = bench.open()
      for offset in 0..<10 as Range<UInt64> { _ = try await file.bytes(offset << 18..<(offset + 1) << 18) }
      await file.close()
      await bench.sleep(.milliseconds(20))
      #expect(bench.contents.guarded.withLock { $0.state.fetches.isEmpty })
      // The next opener starts afresh.
      let again = bench.open()
      #expect(try await again.bytes(3 << 20..<(3 << 20) + 10) == pattern(3 << 20..<(3 << 20) + 10))
    }
  }

  @Test("Read-ahead keeps to its budget, which it gives back")
  func budget() throws {
    let bench = try FileBench([])
    let budget = TransferBudget(limit: 10)
    #expect(budget.reserve(6))
    #expect(!budget.reserve(5))
    #expect(budget.reserve(4))
    budget.release(6)
    #expect(budget.reserve(6))
    withExtendedLifetime(bench) {}
  }

  @Test("Another client's change drops the kernel's pages at the next open, an own one does not")
  func kernelPages() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      let first = bench.open()
      #expect(!first.keepsKernelPages)
      #expect(bench.open().keepsKernelPages)
      try await first.write([1, 2, 3], at: 5)
      try await first.flush()
      bench.contents.learned(bench.server.status)
      #expect(bench.open().keepsKernelPages)
      bench.server.change { $0.resize(to: 10) }
      bench.contents.learned(bench.server.status)
      #expect(bench.events.counts == .init(replaced: 1, conflicts: 0))
      #expect(!bench.open().keepsKernelPages)
      #expect(bench.open().keepsKernelPages)
    }
  }

  @Test("A volume restored from an older dump is believed")
  func restored() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      let file = bench.open()
      _ = try await file.bytes(0..<1000)
      bench.server.restore(SparseBytes(pattern(0..<700, 9)), version: 1)
      bench.contents.learned(bench.server.status)
      #expect(try await file.bytes(0..<1000) == pattern(0..<700, 9))
    }
  }

  @Test("What a vnode leaves in the cache is there when it comes back unchanged, and only then")
  func parked() throws {
    let data = pattern(0..<50_000)
    let bench = try FileBench(data)
    let other = FileKey(cell: 1, fid: FID(volume: VolumeID(7), vnode: 4, unique: 3))
    try bench.run { bench async throws in
      for isChanged in [false, false, true] {
        let contents = FileContents(file: other, context: bench.context)
        if isChanged { bench.server.change { $0.resize(to: 60_000) } }
        contents.learned(bench.server.status)
        let file = contents.open(
          node: FileBench.PlainNode(), access: .init(reads: true, writes: false), identity: bench.me)
        bench.server.forgetCalls()
        #expect(try await file.bytes(0..<50_000) == data)
        await bench.sleep(.seconds(1))
        await file.close()
      }
      #expect(bench.server.calls.count == 1)
    }
  }
}
