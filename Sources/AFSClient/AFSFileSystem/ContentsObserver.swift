import AFSBase
import Logging
import Synchronization

/// Passes on what the contents of files find out on their own.
final class ContentsObserver: FileContentsObserver {
  /// Who writes to a full disk may do so many times a second: that is said once in this time.
  private static let logInterval = Duration.seconds(60)

  private let context: ClientContext
  private let lastRefusal = Mutex<MonotonicTime?>(nil)

  init(context: ClientContext) {
    self.context = context
  }

  func contentsReplaced(_ file: FileKey) {
    context.invalidations.invalidate(.contents(file))
  }

  func changedOnBothSides(_ file: FileKey) {
    context.log.notice("\(name(file)) was changed by another client while it is changed here")
  }

  func changesDropped(_ file: FileKey, bytes: UInt64, error: AFSError) {
    context.log.error("\(bytes) changed bytes of \(name(file)) could not be stored and are lost: \(error)")
  }

  func cacheDiskFull(_ file: FileKey) {
    refused(
      "the cache's disk is full: writing to \(name(file)) failed. Make room on it, or mount with another --cache-dir")
  }

  func tooMuchUnstored(_ bytes: UInt64) {
    refused(
      "writes are refused: \(bytes) changed bytes wait for servers that do not take them. Earlier lines say why; they are "
        + "stored as soon as that is mended")
  }

  private func refused(_ text: String) {
    let isDue = lastRefusal.withLock { last in
      if let last, context.now - last < Self.logInterval { return false }
      last = context.now
      return true
    }
    if isDue { context.log.error("\(text)") }
  }

  private func name(_ file: FileKey) -> String {
    context.vnodes.vnode(for: file).map { context.displayPath(of: $0) } ?? "\(file.fid)"
  }
}
