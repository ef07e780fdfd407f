import AFSBase
import AFSClient
import AFSCredentials
import AFSTypes
import RxTransport
import Synchronization

/// One file on a fileserver in memory: data versions, calls that take virtual time, failures on request. It locks the
/// file as a fileserver does: a store waits for fetches under way, and the reverse.
final class VirtualFileserver: FileTransfers {
  struct Call: Equatable {
    enum Kind: Equatable {
      case fetch
      case store
      case commit
    }
    var kind: Kind
    var offset: UInt64
    var count: UInt64
    var length: UInt64 = 0
    var durable = false
    var modified: WallTime?
    var permissions: UInt16?
    var identity = Identity(uid: 1000)
  }

  /// A failure of the next call of a kind.
  struct Failure {
    var kind: Call.Kind
    var error: AFSError
    /// Bytes which pass before it.
    var afterBytes: UInt64 = 0
    /// The server carries the store out nevertheless: the answer is lost.
    var isCarriedOut = false
    var repetitions = 1
  }

  private struct State {
    var contents = SparseBytes()
    var version: UInt64 = 1
    var modified = WallTime(seconds: 0)
    var calls: [Call] = []
    var failures: [Failure] = []
    var quota: UInt64 = .max
    var inFlight = 0
    var inFlightMax = 0
  }

  private let state = Mutex(State())
  private let timer: any RxTimer
  /// Before the first byte and after the last.
  let latency: Duration
  /// Between pieces.
  let pieceTime: Duration
  let pieceSize: Int

  init(
    timer: any RxTimer, latency: Duration = .microseconds(300), pieceTime: Duration = .microseconds(500),
    pieceSize: Int = 65536
  ) {
    self.timer = timer
    self.latency = latency
    self.pieceTime = pieceTime
    self.pieceSize = pieceSize
  }

  // MARK: The test's side

  var contents: SparseBytes { state.withLock { $0.contents } }
  var modified: WallTime { state.withLock { $0.modified } }
  var calls: [Call] { state.withLock { $0.calls } }
  var fetches: [Call] { calls.filter { $0.kind == .fetch } }
  var stores: [Call] { calls.filter { $0.kind == .store } }
  var inFlightMax: Int { state.withLock { $0.inFlightMax } }
  var status: FileStatus { state.withLock { Self.status($0) } }

  func forgetCalls() {
    state.withLock { $0.calls = [] }
  }

  func fail(_ failure: Failure) {
    state.withLock { $0.failures.append(failure) }
  }

  func succeed() {
    state.withLock { $0.failures = [] }
  }

  func setQuota(_ bytes: UInt64) {
    state.withLock { $0.quota = bytes }
  }

  /// Another client's change.
  func change(_ body: (inout SparseBytes) -> Void) {
    state.withLock {
      body(&$0.contents)
      $0.version += 1
    }
  }

  /// The volume was restored from an older dump.
  func restore(_ contents: SparseBytes, version: UInt64) {
    state.withLock {
      $0.contents = contents
      $0.version = version
    }
  }

  // MARK: FileTransfers

  func fetch(
    _ file: FileKey, offset: UInt64, count: UInt64, as identity: Identity,
    write: @Sendable (UnsafeRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> (status: FileStatus, count: UInt64) {
    begin(Call(kind: .fetch, offset: offset, count: count, identity: identity))
    defer { end() }
    await pause(latency)
    // A value: what others change from here on does not show.
    let (contents, status) = state.withLock { ($0.contents, Self.status($0)) }
    let failure = takeFailure(.fetch)
    var position = offset
    let end = min(contents.count, offset + count)
    while position < end {
      if let failure, position - offset >= failure.afterBytes { throw failure.error }
      let bytes = contents[position..<min(end, position + UInt64(pieceSize))]
      try bytes.withUnsafeBufferPointer { buffer throws(AFSError) in
        try write(UnsafeRawBufferPointer(buffer), position)
      }
      position += UInt64(bytes.count)
      await pause(pieceTime)
    }
    if let failure { throw failure.error }
    await pause(latency)
    return (status, max(position, offset) - offset)
  }

  func store(
    _ file: FileKey, offset: UInt64, count: UInt64, length: UInt64, modified: WallTime?, permissions: UInt16?,
    durable: Bool, as identity: Identity,
    read: @Sendable (UnsafeMutableRawBufferPointer, UInt64) throws(AFSError) -> Void
  ) async throws(AFSError) -> FileStatus {
    begin(
      Call(
        kind: .store, offset: offset, count: count, length: length, durable: durable, modified: modified,
        permissions: permissions, identity: identity))
    defer { end() }
    await pause(latency)
    let failure = takeFailure(.store)
    let (size, quota) = state.withLock { ($0.contents.count, $0.quota) }
    if count == 0 ? length > quota : max(min(size, length), offset + count) > quota { throw .quotaExceeded }
    var taken = SparseBytes()
    var position = offset
    while position < offset + count {
      if let failure, !failure.isCarriedOut, position - offset >= failure.afterBytes {
        // What had come stays written.
        if position > offset { apply(taken, from: offset, to: position, length: length, modified: modified) }
        throw failure.error
      }
      var buffer = [UInt8](repeating: 0xEE, count: min(pieceSize, Int(offset + count - position)))
      try buffer.withUnsafeMutableBufferPointer { buffer throws(AFSError) in
        try read(UnsafeMutableRawBufferPointer(buffer), position)
      }
      buffer.withUnsafeBytes { taken.write($0, at: position - offset) }
      position += UInt64(buffer.count)
      await pause(pieceTime)
    }
    if let failure, !failure.isCarriedOut { throw failure.error }
    let status = apply(taken, from: offset, to: position, length: length, modified: modified)
    await pause(latency)
    if let failure { throw failure.error }
    return status
  }

  func commit(_ file: FileKey, as identity: Identity) async throws(AFSError) -> FileStatus {
    begin(Call(kind: .commit, offset: 0, count: 0, durable: true, identity: identity))
    defer { end() }
    await pause(latency)
    if let failure = takeFailure(.commit) { throw failure.error }
    return state.withLock { state in
      state.version += 1
      return Self.status(state)
    }
  }

  @discardableResult
  private func apply(
    _ bytes: SparseBytes, from offset: UInt64, to end: UInt64, length: UInt64, modified: WallTime?
  ) -> FileStatus {
    state.withLock { state in
      if length < state.contents.count { state.contents.resize(to: length) }
      if end > offset {
        bytes.bytes.withUnsafeBytes { state.contents.write($0, at: offset) }
      } else if offset > state.contents.count {
        state.contents.resize(to: offset)
      }
      state.version += 1
      if let modified { state.modified = modified }
      return Self.status(state)
    }
  }

  private func begin(_ call: Call) {
    state.withLock { state in
      state.calls.append(call)
      state.inFlight += 1
      state.inFlightMax = max(state.inFlightMax, state.inFlight)
    }
  }

  private func end() {
    state.withLock { $0.inFlight -= 1 }
  }

  private func takeFailure(_ kind: Call.Kind) -> Failure? {
    state.withLock { state in
      guard let index = state.failures.firstIndex(where: { $0.kind == kind }) else { return nil }
      let failure = state.failures[index]
      state.failures[index].repetitions -= 1
      if state.failures[index].repetitions == 0 { state.failures.remove(at: index) }
      return failure
    }
  }

  private func pause(_ duration: Duration) async {
    guard duration > .zero else { return }
    try? await timer.sleep(until: timer.now + duration)
  }

  private static func status(_ state: State) -> FileStatus {
    FileStatus(
      kind: .file, linkCount: 1, length: state.contents.count, dataVersion: DataVersion(state.version), author: 0,
      owner: 0, group: 0, callerAccess: [.read, .write], anonymousAccess: [], permissions: 0o644, parentVnode: 1,
      parentUnique: 1, clientModified: state.modified, serverModified: state.modified, lockCount: 0)
  }
}
