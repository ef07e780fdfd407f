import AFSBase
import AFSTypes
import Testing

@testable import AFSClient

/// What fsync asks of the server for data that is there already, and conflicts that come while a store is under way.
@Suite struct FileContentsCommitTests {
  @Test("fsync after stores that asked for no durability asks for it, once, and changes nothing")
  func afterBackgroundStores() throws {
    var limits = FileContentsContext.Limits()
    limits.storeMin = 100_000
    let bench = try FileBench(limits: limits)
    try bench.run { bench in
      let file = bench.open()
      let bytes = [UInt8](repeating: 5, count: 200_000)
      try await file.write(bytes, at: 0)
      await bench.sleep(.seconds(5))
      #expect(bench.contents.localChange == nil)
      #expect(bench.server.stores.allSatisfy { !$0.durable })
      try await file.synchronize()
      #expect(bench.server.calls.filter { $0.kind == .commit }.count == 1)
      #expect(bench.server.contents == SparseBytes(bytes))
      // Once it is done there is nothing more to ask for; what is cached is still good.
      try await file.synchronize()
      #expect(bench.server.calls.filter { $0.kind == .commit }.count == 1)
      bench.contents.learned(bench.server.status)
      #expect(bench.events.counts == .init())
      #expect(bench.server.fetches.isEmpty)
    }
  }

  @Test("fsync of data which is not stored yet is one durable store and no more")
  func direct() throws {
    let bench = try FileBench()
    try bench.run { bench in
      let file = bench.open()
      try await file.write([1, 2, 3], at: 0)
      try await file.synchronize()
      try await file.synchronize()
      #expect(bench.server.calls.map(\.kind) == [.store])
      #expect(bench.server.stores[0].durable)
    }
  }

  @Test("A commit that fails is reported, and asked for again by the next fsync")
  func failing() throws {
    let bench = try FileBench()
    try bench.run { bench in
      let file = bench.open()
      try await file.write([1, 2, 3], at: 0)
      try await file.flush()
      bench.server.fail(.init(kind: .commit, error: .timedOut))
      await #expect(throws: AFSError.timedOut) { try await file.synchronize() }
      try await file.synchronize()
      #expect(bench.server.calls.filter { $0.kind == .commit }.count == 2)
      #expect(bench.contents.localChange == nil)
    }
  }

  @Test("Somebody else's change that is heard of while our store is under way is a change of both sides")
  func conflictDuringStore() throws {
    let bench = try FileBench([UInt8](repeating: 1, count: 1000), latency: .milliseconds(100))
    try bench.run { bench in
      let file = bench.open()
      try await file.write([9], at: 0)
      let flushing = bench.inBackground { try? await file.flush() }
      // Ours has been carried out, its answer is on the way.
      await bench.sleep(.milliseconds(150))
      bench.server.change { $0 = SparseBytes([UInt8](repeating: 2, count: 1000)) }
      bench.contents.learned(bench.server.status)
      await flushing.value
      #expect(bench.events.counts.conflicts == 1)
    }
  }

  @Test("After a store of unknown outcome a version more than it explains is somebody else's")
  func conflictAfterFailure() throws {
    let bench = try FileBench([UInt8](repeating: 1, count: 1000))
    try bench.run { bench in
      let file = bench.open()
      try await file.write([9], at: 0)
      bench.server.fail(.init(kind: .store, error: .timedOut, isCarriedOut: true))
      await #expect(throws: AFSError.timedOut) { try await file.flush() }
      try await file.flush()
      #expect(bench.events.counts.conflicts == 0)
      try await file.write([8], at: 0)
      bench.server.fail(.init(kind: .store, error: .timedOut, isCarriedOut: true))
      await #expect(throws: AFSError.timedOut) { try await file.flush() }
      bench.server.change { $0 = SparseBytes([UInt8](repeating: 2, count: 1000)) }
      try await file.flush()
      #expect(bench.events.counts.conflicts == 1)
    }
  }
}
