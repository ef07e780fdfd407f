import CFuse3
import Glibc

/// What one receiving thread owns: the memory of the request that it handles, and of the reply.
///
/// Used by its own thread only.
final class ThreadContext {
  /// The request as libfuse read it; libfuse allocates the memory when there is none.
  var request = fuse_buf()
  let reply: PooledBuffer
  private var surrendered = false

  init(reply: PooledBuffer) {
    self.reply = reply
  }

  /// Gives away the request's memory: a task goes on using the bytes of a WRITE. Once per request.
  func surrenderRequest() -> RequestMemory {
    surrendered = true
    return RequestMemory(address: request.mem)
  }

  /// After each request: memory for the next one.
  func renew(from spare: RequestMemoryPool) {
    guard surrendered else { return }
    surrendered = false
    request.mem = spare.take()
  }

  /// The context of the thread that calls.
  static var current: ThreadContext? {
    guard let pointer = pthread_getspecific(key) else { return nil }
    return Unmanaged<ThreadContext>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Makes it the context of the thread that calls, for as long as `body` runs.
  func withCurrent(_ body: () -> Void) {
    pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    body()
    pthread_setspecific(Self.key, nil)
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let code = pthread_key_create(&key, nil)
    precondition(code == 0, "no thread-specific keys left")
    return key
  }()
}

/// Memory which libfuse allocated for a request and which a task holds now.
struct RequestMemory: @unchecked Sendable {
  let address: UnsafeMutableRawPointer?
}
