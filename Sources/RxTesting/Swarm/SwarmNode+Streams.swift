import AFSBase
import AFSTypes
import RxCore

/// The streams of a node's calls, and their checks.
extension SwarmNode {
  // MARK: Client

  func send(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard var call = outgoing[handle] else { return }
    defer { if outgoing[handle] != nil { outgoing[handle] = call } }
    let end = call.job.requestCount
    while call.sent < end || call.sent <= 0 {
      if call.sent < 0 {
        let head = Array(SwarmRequestHead(id: call.job.id).bytes.suffix(-call.sent))
        let taken = head.withUnsafeBytes { endpoint.write(handle, $0, isLast: end == 0, now: now) }
        call.sent += taken
        if taken < head.count || end == 0 { return }
      } else {
        let count = min(end - call.sent, 1 << 15)
        let taken = SwarmStream(id: call.job.id).withBytes(from: call.sent, count: count) {
          endpoint.write(handle, $0, isLast: call.sent + count == end, now: now)
        }
        call.sent += taken
        if taken < count || call.sent == end { return }
      }
    }
  }

  func readReply(
    _ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime, isEnded: Bool = false
  ) {
    guard var call = outgoing[handle], call.readsAgainAt == nil else { return }
    defer { outgoing[handle] = call }
    while !call.isAtEnd {
      let chunk = isEnded ? buffer.count : min(buffer.count, call.job.readChunk)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<chunk])
      let (count, isAtEnd) = endpoint.read(handle, into: part, now: now)
      if isProtected(call.job),
        !SwarmStream(id: call.job.id + 1).matches(UnsafeRawBufferPointer(rebasing: part[..<count]), from: call.received)
      {
        ledger.violated("call \(call.job.id): reply bytes differ at \(call.received)")
      }
      call.received += count
      call.isAtEnd = isAtEnd
      if count == 0 { return }
      if call.received > call.job.replyCount, isProtected(call.job) {
        ledger.violated("call \(call.job.id): reply too long")
      }
      if chunk < buffer.count, !isEnded, !isAtEnd {
        call.readsAgainAt = now + call.job.readRest
        return wake(at: now + call.job.readRest)
      }
    }
  }

  // MARK: Server

  func readRequest(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard var call = incoming[handle], call.readsAgainAt == nil, !call.hasRequest else { return }
    while true {
      let isHead = call.head.count < SwarmRequestHead.byteCount
      let chunk =
        isHead
        ? SwarmRequestHead.byteCount - call.head.count : min(buffer.count, call.job?.serverReadChunk ?? buffer.count)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<chunk])
      let (count, isAtEnd) = endpoint.read(handle, into: part, now: now)
      if isHead {
        call.head.append(contentsOf: part[..<count])
        guard takeHead(&call) else { return abort(handle, Self.lostCode, &endpoint, now) }
      } else {
        check(part, count, &call)
      }
      incoming[handle] = call
      if abortsNow(call), !call.isReplied { return abort(handle, Self.serverCode, &endpoint, now) }
      if isAtEnd || call.job?.repliesEarly ?? false {
        call.hasRequest = isAtEnd
        incoming[handle] = call
        if isAtEnd { checkEnd(call) }
        return beginReply(handle, &endpoint, now)
      }
      if count == 0 { break }
      if !isHead, chunk < buffer.count, let job = call.job {
        call.readsAgainAt = now + job.serverReadRest
        wake(at: now + job.serverReadRest)
        break
      }
    }
    incoming[handle] = call
  }

  /// - Returns: false for a head that names no call.
  private func takeHead(_ call: inout Incoming) -> Bool {
    guard call.head.count == SwarmRequestHead.byteCount else { return true }
    guard let head = SwarmRequestHead(call.head), let job = ledger.job(head.id), job.side != side else {
      if ledger.plan.corruption != .unfound { ledger.violated("a request head is damaged") }
      return false
    }
    call.job = job
    ledger.began(serving: job)
    return true
  }

  private func check(_ part: UnsafeMutableRawBufferPointer, _ count: Int, _ call: inout Incoming) {
    guard let job = call.job else { return }
    let bytes = UnsafeRawBufferPointer(rebasing: part[..<count])
    if isProtected(job), !SwarmStream(id: job.id).matches(bytes, from: call.received) {
      ledger.violated("call \(job.id): request bytes differ at \(call.received)")
    }
    call.received += count
  }

  private func checkEnd(_ call: Incoming) {
    guard let job = call.job, isProtected(job) else { return }
    if call.received != job.requestCount {
      ledger.violated("call \(job.id): request ended after \(call.received) of \(job.requestCount) bytes")
    }
  }

  private func abortsNow(_ call: Incoming) -> Bool {
    guard let job = call.job, let limit = job.abortAfterBytes else { return false }
    return call.received + call.replied >= limit
  }

  private func abort(
    _ handle: RxCallHandle, _ code: AbortCode, _ endpoint: inout RxEndpoint, _ now: MonotonicTime
  ) {
    endpoint.abort(handle, code, now: now)
  }

  private func beginReply(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard let call = incoming[handle], !call.isReplying, call.repliesAt == nil else { return }
    guard let job = call.job else { return abort(handle, Self.lostCode, &endpoint, now) }
    if job.workTime > .zero {
      incoming[handle]!.repliesAt = now + job.workTime
      return wake(at: now + job.workTime)
    }
    incoming[handle]!.isReplying = true
    writeReply(handle, &endpoint, now)
  }

  func writeReply(_ handle: RxCallHandle, _ endpoint: inout RxEndpoint, _ now: MonotonicTime) {
    guard var call = incoming[handle], call.isReplying, !call.isReplied, let job = call.job else { return }
    while true {
      var count = min(1 << 15, job.replyCount - call.replied)
      if let limit = job.abortAfterBytes { count = min(count, max(1, limit - call.received - call.replied)) }
      let isLast = call.replied + count == job.replyCount
      let taken = SwarmStream(id: job.id + 1).withBytes(from: call.replied, count: count) {
        endpoint.write(handle, $0, isLast: isLast, now: now)
      }
      call.replied += taken
      if isLast, taken == count { call.isReplied = true }
      incoming[handle] = call
      if abortsNow(call), !call.isReplied { return abort(handle, Self.serverCode, &endpoint, now) }
      if taken < count || call.isReplied { return }
    }
  }
}
