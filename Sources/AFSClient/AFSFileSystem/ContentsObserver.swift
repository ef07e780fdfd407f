import Logging

/// Passes on what the contents of files find out on their own.
struct ContentsObserver: FileContentsObserver {
  let context: ClientContext

  func contentsReplaced(_ file: FileKey) {
    context.invalidations.invalidate(.contents(file))
  }

  func changedOnBothSides(_ file: FileKey) {
    context.log.notice("\(name(file)) was changed by another client while it is changed here")
  }

  func changesDropped(_ file: FileKey, bytes: UInt64, error: AFSError) {
    context.log.error("\(bytes) changed bytes of \(name(file)) could not be stored and are lost: \(error)")
  }

  private func name(_ file: FileKey) -> String {
    context.vnodes.vnode(for: file).map { context.displayPath(of: $0) } ?? "\(file.fid)"
  }
}
