import AFSBase
import AFSCache
import AFSCredentials
import AFSTypes
import Foundation
import RxTesting
import RxTransport
import Synchronization
import TestFolders

@testable import AFSClient

/// A file's contents between a virtual fileserver and a cache on disk, in virtual time.
final class FileBench: Sendable {
  static let key = FileKey(cell: 1, fid: FID(volume: VolumeID(7), vnode: 2, unique: 3))

  final class PlainNode: Node {
    let key = NodeKey(mount: 0, file: FileBench.key)
  }

  final class Events: FileContentsObserver {
    struct Counts: Equatable {
      var replaced = 0
      var conflicts = 0
      var dropped: [AFSError] = []
      var diskFull = 0
      var refused = 0
    }
    private let state = Mutex(Counts())
    var counts: Counts { state.withLock { $0 } }

    func contentsReplaced(_ file: FileKey) { state.withLock { $0.replaced += 1 } }
    func changedOnBothSides(_ file: FileKey) { state.withLock { $0.conflicts += 1 } }
    func cacheDiskFull(_ file: FileKey) { state.withLock { $0.diskFull += 1 } }
    func tooMuchUnstored(_ bytes: UInt64) { state.withLock { $0.refused += 1 } }
    func changesDropped(_ file: FileKey, bytes: UInt64, error: AFSError) {
      state.withLock { $0.dropped.append(error) }
    }
  }

  let simulator: Simulator
  let server: VirtualFileserver
  let cache: DiskCache
  let events = Events()
  let context: FileContentsContext
  let contents: FileContents
  private let temporary = TemporaryFolder()
  var folder: String { temporary.path }
  let me = Identity(uid: 1000)

  init(
    seed: UInt64 = 1, _ bytes: [UInt8] = [], cache limits: DiskCache.Limits = DiskCache.Limits(sizeMax: 64 << 20),
    limits contentsLimits: FileContentsContext.Limits = FileContentsContext.Limits(), pieceSize: Int = 65536,
    latency: Duration = .microseconds(300), pieceTime: Duration = .microseconds(500)
  ) throws {
    let simulator = Simulator(seed: seed)
    self.simulator = simulator
    server = VirtualFileserver(timer: simulator.timer, latency: latency, pieceTime: pieceTime, pieceSize: pieceSize)
    server.change { $0 = SparseBytes(bytes) }
    cache = try DiskCache(directory: temporary.path, limits: limits)
    context = FileContentsContext(
      cache: cache, transfers: server, observer: events, timer: simulator.timer, limits: contentsLimits
    ) { body in
      Task(executorPreference: simulator) { await body() }
    }
    contents = FileContents(file: Self.key, context: context)
    contents.learned(server.status)
  }

  /// Runs in virtual time.
  func run<Value: Sendable>(_ body: @escaping @Sendable (FileBench) async throws -> Value) throws -> Value {
    try simulator.run { try await body(self) }
  }

  func open(_ access: OpenAccess = OpenAccess(reads: true, writes: true)) -> any OpenFile {
    contents.open(node: PlainNode(), access: access, identity: me)
  }

  func sleep(_ duration: Duration) async {
    try? await simulator.timer.sleep(until: simulator.timer.now + duration)
  }

  func inBackground(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
    Task(executorPreference: simulator) { await body() }
  }

  var now: MonotonicTime { simulator.timer.now }

  var allCached: Bool { contents.guarded.withLock { $0.state.valid.contains(0..<$0.state.size) } }
}

extension OpenFile {
  /// As a front end reads: from the cache if that can answer.
  func bytes(_ range: Range<UInt64>) async throws(AFSError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(range.length), alignment: 8)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0xEE)
    var count: Int
    if let result = cachedRead(at: range.lowerBound, into: buffer) {
      count = try result.get()
    } else {
      count = try await read(at: range.lowerBound, into: buffer)
    }
    count = min(count, buffer.count)
    return [UInt8](buffer[..<count])
  }

  /// nil when some of the range is not cached.
  func cachedBytes(_ range: Range<UInt64>) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0xEE, count: Int(range.length))
    guard let result = bytes.withUnsafeMutableBytes({ cachedRead(at: range.lowerBound, into: $0) }) else { return nil }
    return try Array(bytes[..<result.get()])
  }

  func write(_ bytes: [UInt8], at offset: UInt64) async throws(AFSError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    if let result = cachedWrite(at: offset, UnsafeRawBufferPointer(copy)) {
      try result.get()
    } else {
      try await write(at: offset, UnsafeRawBufferPointer(copy))
    }
  }
}

/// A value that several tasks look at.
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: Value) { mutex = Mutex(value) }

  var value: Value { mutex.withLock { $0 } }
  func set(_ value: Value) { mutex.withLock { $0 = value } }
  func change(_ body: (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}

/// Bytes which tell where they lie.
func pattern(_ range: Range<UInt64>, _ salt: UInt64 = 0) -> [UInt8] {
  range.map { position in
    let mixed = (position &+ salt &* 7919) &* 0x9E37_79B9_7F4A_7C15
    return UInt8(truncatingIfNeeded: mixed >> 56) | 1
  }
}
