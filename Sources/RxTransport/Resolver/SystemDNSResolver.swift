import CLinuxShims
import Glibc
public import RxCore
import Synchronization

/// Asks the name servers of `/etc/resolv.conf` through the C library, which blocks: every question has a thread.
///
/// A question that nobody answers takes 4 seconds for every name server. The task that asked goes on at once when it
/// is cancelled, while the thread waits until the end.
public final class SystemDNSResolver: DNSResolver {
  /// Questions at one time, and waiting for a thread.
  private static let threadsMax = 8
  private static let waitingMax = 256
  /// The longest DNS message over TCP (RFC 1035 section 4.2.2).
  private static let answerMax = 65_535

  /// The message that answers a question, or why there is none; blocks.
  typealias Query = @Sendable (_ name: String, _ kind: DNSRecord.Kind) -> Result<[UInt8], DNSFailure>

  private let query: Query
  private let work: BlockingWork

  /// - Parameter nameServer: an IPv4 name server to ask in place of the system's.
  public convenience init(nameServer: RxAddress? = nil) {
    self.init { name, kind in Self.ask(name, kind, nameServer: nameServer) }
  }

  init(threadsMax: Int = threadsMax, waitingMax: Int = waitingMax, query: @escaping Query) {
    work = BlockingWork(threadsMax: threadsMax, waitingMax: waitingMax)
    self.query = query
  }

  public func message(of name: String, _ kind: DNSRecord.Kind) async throws(DNSFailure) -> DNSMessage {
    let bytes = try await answer(to: name, kind).get()
    let message: DNSMessage
    do {
      message = try DNSMessage(parsing: bytes)
    } catch {
      throw .malformed(error)
    }
    switch message.responseCode {
    case 0, 3: return message
    case let code: throw .refused(responseCode: code)
    }
  }

  private func answer(to name: String, _ kind: DNSRecord.Kind) async -> Result<[UInt8], DNSFailure> {
    let question = Question()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        question.wait(continuation)
        let query = query
        work.start(
          BlockingWork.Job {
            // When nobody wants to know any more, the thread is for others.
            if !question.isAnswered { question.answer(query(name, kind)) }
          } refuse: {
            question.answer(.failure(.tooManyQuestions))
          })
      }
    } onCancel: {
      question.answer(.failure(.cancelled))
    }
  }

  private static func ask(
    _ name: String, _ kind: DNSRecord.Kind, nameServer: RxAddress?
  ) -> Result<[UInt8], DNSFailure> {
    var result: Int32 = 0
    let answer = [UInt8](unsafeUninitializedCapacity: answerMax) { buffer, count in
      result = afsfuse_dns_query(
        name, Int32(kind.rawValue), nameServer?.ipv4 ?? 0, nameServer?.port ?? 0, buffer.baseAddress,
        Int32(buffer.count))
      count = Int(max(result, 0))
    }
    if result >= 0 { return .success(answer) }
    return .failure(result == -ETIMEDOUT ? .timedOut : .unreachable(-result))
  }
}

/// One answer for one waiting task: the first that comes.
private final class Question: Sendable {
  private typealias Waiting = CheckedContinuation<Result<[UInt8], DNSFailure>, Never>

  private struct State {
    var answer: Result<[UInt8], DNSFailure>?
    var waiting: Waiting?
  }

  private let state = Mutex(State())

  var isAnswered: Bool { state.withLock { $0.answer != nil } }

  func wait(_ continuation: CheckedContinuation<Result<[UInt8], DNSFailure>, Never>) {
    let known = state.withLock { state in
      if state.answer == nil { state.waiting = continuation }
      return state.answer
    }
    if let known { continuation.resume(returning: known) }
  }

  func answer(_ answer: Result<[UInt8], DNSFailure>) {
    let waiting: Waiting? = state.withLock { state in
      guard state.answer == nil else { return nil }
      state.answer = answer
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume(returning: answer)
  }
}
