import AFSBase
import AFSTypes
import Glibc
import RxCore
import RxTesting

/// A byte stream that both sides can compute: stream `id` is a window that moves over random bytes.
struct Pattern {
  var id: UInt64

  private static let period = 1 << 16
  /// One period twice, so that every run of up to a period lies in one piece.
  private static let bytes: [UInt8] = {
    var generator = SeededGenerator(seed: 42)
    let once = (0..<period).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    return once + once
  }()

  private func start(_ position: Int) -> Int { (position + Int(truncatingIfNeeded: id &* 977)) & (Self.period - 1) }

  /// `buffer` is no longer than a period.
  func fill(_ buffer: UnsafeMutableRawBufferPointer, from position: Int) {
    Self.bytes.withUnsafeBytes { bytes in
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start(position)...].prefix(buffer.count)))
    }
  }

  func matches(_ bytes: UnsafeRawBufferPointer, from position: Int) -> Bool {
    guard let address = bytes.baseAddress, bytes.count > 0 else { return true }
    return Self.bytes.withUnsafeBytes { memcmp(address, $0.baseAddress! + start(position), bytes.count) == 0 }
  }
}

/// Request: 16 bytes (stream id, reply length), then `requestCount` bytes of the pattern. Reply: the pattern of id + 1.
struct TransferHeader {
  static let byteCount = 16
  var id: UInt64
  var replyCount: UInt64

  var bytes: [UInt8] {
    withUnsafeBytes(of: (id.bigEndian, replyCount.bigEndian)) { Array($0) }
  }

  init(id: UInt64, replyCount: UInt64) {
    self.id = id
    self.replyCount = replyCount
  }

  init(_ bytes: [UInt8]) {
    id = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
    replyCount = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// Serves transfers, checks each request.
final class TransferService: SimulatedBehaviour {
  private struct Call {
    var head: [UInt8] = []
    var received = 0
    var replyPosition = 0
    var isReplying = false
  }

  private var calls: [RxCallHandle: Call] = [:]
  private(set) var begun = 0
  private(set) var completions: [RxCompletion] = []
  private(set) var problems: [String] = []
  var openCalls: Int { calls.count }

  /// The process was started anew: what it knew of calls is gone.
  func restart() { calls = [:] }

  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 10_000, alignment: 8)
  deinit { buffer.deallocate() }

  func received(_ event: RxEvent, on endpoint: inout RxEndpoint, now: MonotonicTime) {
    switch event {
    case .incoming(let handle, _):
      begun += 1
      calls[handle] = Call()
    case .readable(let handle): read(handle, &endpoint, now)
    case .writable(let handle): reply(handle, &endpoint, now)
    case .completed(let handle, let completion):
      if calls.removeValue(forKey: handle) == nil { problems.append("completion of an unknown call") }
      completions.append(completion)
      endpoint.release(handle, now: now)
    }
  }

  private func read(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard var call = calls[handle] else {
      problems.append("readable before incoming")
      return
    }
    defer { calls[handle] = call }
    while true {
      let wanted =
        call.head.count < TransferHeader.byteCount ? TransferHeader.byteCount - call.head.count : buffer.count
      let (count, isAtEnd) = endpoint.read(
        handle, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), now: now)
      if call.head.count < TransferHeader.byteCount {
        call.head.append(contentsOf: buffer[..<count])
      } else {
        let pattern = Pattern(id: TransferHeader(call.head).id)
        if !pattern.matches(UnsafeRawBufferPointer(rebasing: buffer[..<count]), from: call.received) {
          problems.append("request bytes differ")
        }
        call.received += count
      }
      if isAtEnd, !call.isReplying {
        call.isReplying = true
        calls[handle] = call
        reply(handle, &endpoint, now)
        call = calls[handle] ?? call
      }
      if count == 0 || isAtEnd { return }
    }
  }

  private func reply(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard var call = calls[handle], call.isReplying else { return }
    defer { calls[handle] = call }
    let header = TransferHeader(call.head)
    let pattern = Pattern(id: header.id + 1)
    while true {
      let count = min(buffer.count, Int(header.replyCount) - call.replyPosition)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      pattern.fill(part, from: call.replyPosition)
      let isLast = call.replyPosition + count == Int(header.replyCount)
      let taken = endpoint.write(handle, UnsafeRawBufferPointer(part), isLast: isLast, now: now)
      call.replyPosition += taken
      if taken < count || isLast { return }
    }
  }
}

/// Makes transfers, checks each reply.
final class TransferCaller: SimulatedBehaviour {
  struct Job {
    var id: UInt64
    var requestCount: Int
    var replyCount: Int
  }

  private struct Call {
    var job: Job
    var sent = -TransferHeader.byteCount
    var received = 0
    var isAtEnd = false
  }

  private let target: RxTarget
  private let options: RxCallOptions
  private let parallel: Int
  private var waiting: [Job]
  private var calls: [RxCallHandle: Call] = [:]
  private(set) var completions: [RxCompletion] = []
  private(set) var completedJobs = 0
  private(set) var problems: [String] = []
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 10_000, alignment: 8)
  deinit { buffer.deallocate() }

  var isDone: Bool { waiting.isEmpty && calls.isEmpty }

  init(target: RxTarget, jobs: [Job], parallel: Int, options: RxCallOptions = RxCallOptions()) {
    self.target = target
    self.options = options
    self.parallel = parallel
    waiting = jobs.reversed()
  }

  func begin(on endpoint: inout RxEndpoint, now: MonotonicTime) {
    while calls.count < parallel, let job = waiting.popLast() {
      let handle = endpoint.openCall(to: target, options: options, now: now)
      calls[handle] = Call(job: job)
      send(handle, &endpoint, now)
    }
  }

  func received(_ event: RxEvent, on endpoint: inout RxEndpoint, now: MonotonicTime) {
    switch event {
    case .incoming: problems.append("a call for a client")
    case .readable(let handle): read(handle, &endpoint, now)
    case .writable(let handle): send(handle, &endpoint, now)
    case .completed(let handle, let completion):
      completions.append(completion)
      read(handle, &endpoint, now)
      guard let call = calls.removeValue(forKey: handle) else {
        problems.append("completion of an unknown call")
        return
      }
      if completion == .success {
        completedJobs += 1
        if !call.isAtEnd || call.received != call.job.replyCount {
          problems.append("reply of \(call.received) bytes for \(call.job.replyCount)")
        }
      }
      endpoint.release(handle, now: now)
      begin(on: &endpoint, now: now)
    }
  }

  private func send(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard var call = calls[handle] else { return }
    defer { calls[handle] = call }
    let head = TransferHeader(id: call.job.id, replyCount: UInt64(call.job.replyCount)).bytes
    while call.sent < call.job.requestCount || call.sent < 0 {
      let part: UnsafeMutableRawBufferPointer
      if call.sent < 0 {
        part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(-call.sent)])
        part.copyBytes(from: head.suffix(-call.sent))
      } else {
        part = UnsafeMutableRawBufferPointer(
          rebasing: buffer[..<min(buffer.count, call.job.requestCount - call.sent)])
        Pattern(id: call.job.id).fill(part, from: call.sent)
      }
      let isLast = call.sent + part.count == call.job.requestCount
      let taken = endpoint.write(handle, UnsafeRawBufferPointer(part), isLast: isLast, now: now)
      call.sent += taken
      if taken < part.count { return }
    }
  }

  private func read(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard var call = calls[handle] else { return }
    defer { calls[handle] = call }
    while !call.isAtEnd {
      let (count, isAtEnd) = endpoint.read(handle, into: buffer, now: now)
      if !Pattern(id: call.job.id + 1).matches(UnsafeRawBufferPointer(rebasing: buffer[..<count]), from: call.received)
      {
        problems.append("reply bytes differ")
      }
      call.received += count
      call.isAtEnd = isAtEnd
      if count == 0 { return }
    }
  }
}
