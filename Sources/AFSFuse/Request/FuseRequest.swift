import AFSCredentials
import CFuse3
import Glibc
import Synchronization

/// One request of the kernel, to be answered exactly once: answering consumes it, and dropping it answers EIO.
struct FuseRequest: ~Copyable {
  private let raw: OpaquePointer

  init(_ raw: OpaquePointer) {
    self.raw = raw
  }

  deinit {
    fuse_reply_err(raw, EIO)
  }

  /// Who asks.
  var identity: Identity { Identity(uid: fuse_req_ctx(raw).pointee.uid) }

  /// - Returns: 0, or a negative errno when nobody waits for the reply any more.
  @discardableResult
  consuming func answer(_ reply: FuseReply) -> Int32 {
    let result = reply.send(to: raw)
    discard self
    return result
  }

  /// FORGET has no reply.
  consuming func answerNothing() {
    fuse_reply_none(raw)
    discard self
  }

  consuming func fail(_ code: Int32) {
    fuse_reply_err(raw, code)
    discard self
  }

  /// Lets a task answer the request.
  /// - Parameter interruptID: what `RequestTasks` calls the task; the kernel's FUSE_INTERRUPT cancels it.
  consuming func deferred(interruptID: UInt64) -> DeferredRequest {
    let deferred = DeferredRequest(raw)
    // An id, not a pointer: libfuse may call back after the request was answered.
    fuse_req_interrupt_func(raw, requestInterrupted, UnsafeMutableRawPointer(bitPattern: UInt(interruptID)))
    discard self
    return deferred
  }
}

/// A request which a task answers.
final class DeferredRequest: Sendable {
  private nonisolated(unsafe) let raw: OpaquePointer
  private let answered = Atomic(false)

  fileprivate init(_ raw: OpaquePointer) {
    self.raw = raw
  }

  deinit {
    if !answered.load(ordering: .acquiring) { fuse_reply_err(raw, EIO) }
  }

  /// - Returns: 0, or a negative errno when nobody waits for the reply any more.
  func answer(_ reply: FuseReply) -> Int32 {
    let first = answered.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    precondition(first, "a request was answered twice")
    return reply.send(to: raw)
  }
}

private nonisolated func requestInterrupted(_ request: OpaquePointer?, _ data: UnsafeMutableRawPointer?) {
  guard let request, let data else { return }
  FuseSession.of(request).tasks.interrupt(UInt64(UInt(bitPattern: data)))
}
