internal import Synchronization

/// How many bytes of read-ahead may be under way, over all files of the client. What a reader waits for is never
/// refused; what nobody has asked for yet is, above the limit.
package final class TransferBudget: Sendable {
  private let limit: UInt64
  private let used = Mutex<UInt64>(0)

  /// - Parameter limit: bytes; the default keeps a dozen sequential readers streaming.
  package init(limit: UInt64 = 64 << 20) {
    self.limit = limit
  }

  func reserve(_ bytes: UInt64) -> Bool {
    used.withLock { used in
      guard used + bytes <= limit else { return false }
      used += bytes
      return true
    }
  }

  func release(_ bytes: UInt64) {
    used.withLock { $0 -= bytes }
  }
}
