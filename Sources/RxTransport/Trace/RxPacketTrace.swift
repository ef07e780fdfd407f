package import AFSBase
import Glibc
package import RxCore

/// Writes datagrams to a pcapng file, as they are on the wire, with a thread of its own. Only the bodies of responses to
/// challenges are left out, zeros stand for them: tickets lie there.
///
/// The file is bounded: before it would grow beyond half of `bytesMax` it is renamed to PATH.1 (replacing an older one) and begun
/// anew. A disk that is too slow, or full, costs packets of the trace and never delays the network: what is lost is
/// counted.
public final class RxPacketTrace: Sendable {
  private struct State {
    var buffer: [UInt8] = []
    var mustEnd = false
    var hasEnded = false
    var lost: UInt64 = 0
  }

  /// Bytes that wait for the disk at most.
  private static let waitingMax = 8 << 20
  /// What is kept at most unless a trace says otherwise: 256 MiB.
  public static let defaultBytesMax = 256 << 20

  private let path: String
  private let fileBytesMax: Int
  private let state = Monitor(State())

  /// Creates the file, with mode 0600: data of calls without encryption is in it.
  /// - Throws: `.system` when it cannot be created.
  public init(path: String, bytesMax: Int = defaultBytesMax) throws(RxTransportError) {
    self.path = path
    fileBytesMax = max(bytesMax / 2, 4096)
    let file = try TraceOutput.create(path)
    let (state, limit) = (state, fileBytesMax)
    let thread = WorkerThread(name: "rx-trace") { Self.work(state, file, path, limit) }
    guard thread != nil else {
      Glibc.close(file)
      throw .system("pthread_create", EAGAIN)
    }
  }

  deinit { state.change { $0.mustEnd = true } }

  /// Packets that did not get into the file.
  public var lostCount: UInt64 { state.withLock { $0.lost } }

  /// Returns when all that was recorded is in the file, which is complete then.
  public func close() {
    state.change { $0.mustEnd = true }
    _ = state.wait(until: .distantFuture) { $0.hasEnded ? true : nil }
  }

  package func record(
    _ datagram: UnsafeRawBufferPointer, from source: RxAddress, to destination: RxAddress, isOutgoing: Bool,
    at time: WallTime
  ) {
    state.change { state in
      guard !state.mustEnd, state.buffer.count < Self.waitingMax else { return state.lost += 1 }
      PcapngWriter.appendPacket(
        datagram, shown: ShownBytes.count(of: datagram), from: source, to: destination, isOutgoing: isOutgoing,
        at: time, to: &state.buffer)
    }
  }

  // MARK: The writer's thread

  private static func work(_ state: Monitor<State>, _ first: CInt, _ path: String, _ limit: Int) {
    var output = TraceOutput(file: first, path: path, limit: limit)
    var isEnd = false
    while !isEnd {
      var taken: [UInt8] = []
      isEnd =
        state.wait(until: .distantFuture) { state -> Bool? in
          guard !state.buffer.isEmpty || state.mustEnd else { return nil }
          swap(&taken, &state.buffer)
          return state.mustEnd
        } ?? true
      if !output.append(taken) { state.change { $0.lost += 1 } }
    }
    output.close()
    state.change { $0.hasEnded = true }
  }
}
