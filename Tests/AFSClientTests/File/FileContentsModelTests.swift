import AFSBase
import AFSCache
import AFSTypes
import Synchronization
import Testing

@testable import AFSClient

/// Random operations on a file here and on the server, compared after each with one byte array a side.
@Suite struct FileContentsModelTests {
  /// What the file must look like, byte by byte.
  struct Model {
    var server: [UInt8]
    var version: UInt64
    var local: [UInt8]
    var isDirty: [Bool]
    var isCut = false
    var sizeIsLocal = false
    var hasChange = false

    init(_ bytes: [UInt8]) {
      server = bytes
      version = 1
      local = bytes
      isDirty = [Bool](repeating: false, count: bytes.count)
    }

    /// What is void on the server: bytes from here on were cut away here.
    var cutAt = Int.max

    mutating func write(_ bytes: [UInt8], at offset: Int) {
      if offset + bytes.count > local.count { grow(to: offset + bytes.count) }
      local.replaceSubrange(offset..<offset + bytes.count, with: bytes)
      for index in offset..<offset + bytes.count { isDirty[index] = true }
      hasChange = true
    }

    private mutating func grow(to size: Int) {
      if local.count < server.count { cutAt = min(cutAt, local.count) }
      local += [UInt8](repeating: 0, count: size - local.count)
      isDirty += [Bool](repeating: false, count: size - isDirty.count)
      sizeIsLocal = true
    }

    mutating func truncate(to size: Int) {
      if size < local.count {
        cutAt = min(cutAt, size)
        local.removeSubrange(size...)
        isDirty.removeSubrange(size...)
        sizeIsLocal = true
      } else if size > local.count {
        grow(to: size)
      }
      hasChange = true
    }

    /// Everything that was changed is on the server, and the server's file is ours.
    mutating func store() {
      guard hasChange else { return }
      server = local
      for index in isDirty.indices { isDirty[index] = false }
      cutAt = .max
      sizeIsLocal = false
      hasChange = false
    }

    /// Another client's bytes are the truth where nothing was changed here.
    mutating func learn() {
      let size = sizeIsLocal ? local.count : max(server.count, (isDirty.lastIndex(of: true) ?? -1) + 1)
      var new = [UInt8](repeating: 0, count: size)
      var dirty = [Bool](repeating: false, count: size)
      for index in 0..<size {
        if index < isDirty.count, isDirty[index] {
          new[index] = local[index]
          dirty[index] = true
        } else if index < min(server.count, cutAt) {
          new[index] = server[index]
        }
      }
      local = new
      isDirty = dirty
      if size != server.count { sizeIsLocal = true }
    }
  }

  /// One run: the objects under test beside the model.
  final class Run {
    let bench: FileBench
    var model: Model
    var files: [any OpenFile] = []
    var generator: SeededGenerator
    var log: [String] = []
    let sizeMax: Int

    init(_ bench: FileBench, _ bytes: [UInt8], seed: UInt64, sizeMax: Int) {
      self.bench = bench
      model = Model(bytes)
      generator = SeededGenerator(seed: seed)
      self.sizeMax = sizeMax
    }

    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    func range() -> Range<Int> {
      let lower = number(0...max(0, min(sizeMax, model.local.count + 3000)))
      let count = number(0...3) == 0 ? number(1...max(1, sizeMax / 3)) : number(1...5000)
      return lower..<min(lower + count, sizeMax + 4000)
    }

    var file: any OpenFile {
      if files.isEmpty { files.append(bench.open()) }
      return files[Int.random(in: files.indices, using: &generator)]
    }

    func step() async throws {
      switch number(0...19) {
      case 0...5: try await read(range())
      case 6...10: try await write()
      case 11: try await truncate()
      case 12...13: try await flush()
      case 14...15: try await remoteChange()
      case 16: files.append(bench.open())
      case 17: await close()
      case 18:
        log.append("cull")
        bench.contents.cull(number(0...1) == 0 ? 20_000 : .max)
      default: try await failingStore()
      }
      try await check()
    }

    private func read(_ range: Range<Int>) async throws {
      log.append("read \(range)")
      let expected = Array(
        model.local[min(range.lowerBound, model.local.count)..<min(range.upperBound, model.local.count)])
      let bytes = try await file.bytes(UInt64(range.lowerBound)..<UInt64(range.upperBound))
      let isEqual = bytes == expected
      #expect(isEqual, "\(firstDifference(bytes, expected)) \(story)")
    }

    private func write() async throws {
      let range = range()
      log.append("write \(range)")
      let bytes = range.map { _ in UInt8.random(in: 1...255, using: &generator) }
      model.write(bytes, at: range.lowerBound)
      try await file.write(bytes, at: UInt64(range.lowerBound))
    }

    private func truncate() async throws {
      let size = number(0...sizeMax)
      log.append("truncate \(size)")
      let file = file
      _ = file
      model.truncate(to: size)
      try await bench.contents.truncate(to: UInt64(size), as: bench.me)
    }

    private func flush() async throws {
      log.append("flush")
      if number(0...1) == 0 { try await file.flush() } else { try await file.synchronize() }
      model.store()
      #expect(file.cachedFlush() != nil)
      #expect(bench.contents.localChange == nil)
      let stored = bench.server.contents.bytes
      let isStored = stored == model.server
      #expect(isStored, "\(firstDifference(stored, model.server)) \(story)")
    }

    private func remoteChange() async throws {
      let range = range()
      let isCut = number(0...3) == 0
      log.append("remote \(isCut ? "cut to \(range.lowerBound)" : "write \(range)")")
      let bytes = range.map { _ in UInt8.random(in: 1...255, using: &generator) }
      bench.server.change { contents in
        if isCut { contents.resize(to: UInt64(range.lowerBound)) }
        if !isCut { bytes.withUnsafeBytes { contents.write($0, at: UInt64(range.lowerBound)) } }
      }
      let old = model
      model.server = bench.server.contents.bytes
      model.learn()
      if number(0...1) == 0 {
        // A read before the break arrives: all old, or all new.
        let seen = try await file.bytes(0..<UInt64(sizeMax + 8000))
        // The new bytes may end where the old file ended: the size is learned at the end of a fetch only.
        let isOneVersion =
          seen == old.local || seen == model.local || seen == Array(model.local.prefix(old.local.count))
        #expect(
          isOneVersion,
          "old: \(firstDifference(seen, old.local)) new: \(firstDifference(seen, model.local)) \(story)")
      }
      bench.contents.learned(bench.server.status)
    }

    private func close() async {
      log.append("close")
      if files.count > 1 { await files.removeLast().close() }
    }

    private func failingStore() async throws {
      guard model.hasChange else { return }
      let isCarriedOut = number(0...1) == 0
      log.append("failing store, \(isCarriedOut ? "carried out" : "cut off")")
      let file = file
      bench.server.fail(
        .init(kind: .store, error: .timedOut, afterBytes: UInt64(number(0...20_000)), isCarriedOut: isCarriedOut))
      await #expect(throws: AFSError.timedOut, "\(story)") { try await file.flush() }
      bench.server.succeed()
      // The core asks for the status anew after a store that failed.
      model.server = bench.server.contents.bytes
      bench.contents.learned(bench.server.status)
      model.learn()
    }

    private func check() async throws {
      #expect(bench.contents.size == UInt64(model.local.count), "\(story)")
      #expect((bench.contents.localChange != nil) == model.hasChange, "\(story)")
      if number(0...2) == 0 { try await read(0..<sizeMax + 8000) }
    }

    var story: String {
      let state = bench.contents.guarded.withLock { guarded in
        let state = guarded.state
        return
          "storing \(state.storing.debugDescription) valid \(state.valid.ranges) dirty \(state.dirty.ranges) zeros \(state.zeros.ranges) size \(state.size) "
          + "server \(state.serverLength)@\(state.version?.description ?? "-") cut \(state.truncatedTo ?? .max) "
          + "fetches \(state.fetches.map { "\($0.range) \($0.arrived.ranges)" }) busy \(state.filling + state.writing)"
      }
      return log.suffix(40).joined(separator: "; ") + " | " + state
    }

    private func firstDifference(_ a: [UInt8], _ b: [UInt8]) -> String {
      let index = zip(a, b).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      let values = index.map { "\($0): \(a[$0..<min($0 + 4, a.count)]) \(b[$0..<min($0 + 4, b.count)])" }
      return "\(a.count) and \(b.count) bytes, first difference \(values ?? "none");"
    }
  }

  static func run(seed: UInt64, size: Int, sizeMax: Int, steps: Int, bench: FileBench, bytes: [UInt8]) throws {
    try bench.run { bench async throws in
      let run = Run(bench, bytes, seed: seed, sizeMax: sizeMax)
      for _ in 0..<steps { try await run.step() }
      for file in run.files {
        try await file.flush()
        await file.close()
      }
      run.model.store()
      let isStored = bench.server.contents.bytes == run.model.server
      #expect(isStored, "\(run.story)")
      #expect(bench.contents.openCount == 0)
    }
  }

  @Test("A small file is what the model says after every operation", arguments: 1...40 as ClosedRange<UInt64>)
  func small(seed: UInt64) throws {
    let bytes = pattern(0..<seed % 40 * 500)
    let bench = try FileBench(seed: seed, bytes, pieceSize: 1500)
    try Self.run(seed: seed, size: bytes.count, sizeMax: 20_000, steps: 120, bench: bench, bytes: bytes)
  }

  @Test("A file that is fetched and stored in pieces, likewise", arguments: 1...8 as ClosedRange<UInt64>)
  func large(seed: UInt64) throws {
    let bytes = pattern(0..<400_000)
    var limits = FileContentsContext.Limits()
    // Stores that nobody asked for would change the server behind the model's back.
    limits.storeMin = .max / 2
    limits.storeCallMax = 50_000
    limits.readAhead.randomUnit = 8192
    limits.readAhead.windowMin = 32_768
    limits.readAhead.windowMax = 131_072
    limits.readAhead.wholeFileMax = 16_384
    let bench = try FileBench(seed: seed, bytes, limits: limits, pieceSize: 5000)
    try Self.run(seed: seed, size: bytes.count, sizeMax: 600_000, steps: 80, bench: bench, bytes: bytes)
  }
}
