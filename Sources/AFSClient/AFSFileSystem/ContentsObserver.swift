import Logging

/// Passes on what the contents of files find out on their own.
struct ContentsObserver: FileContentsObserver {
  let context: ClientContext

  func contentsReplaced(_ file: FileKey) {
    context.invalidations.invalidate(.contents(file))
  }

  func changedOnBothSides(_ file: FileKey) {
    context.log.notice("\(file.fid) was changed by another client while it is changed here")
  }

  func changesDropped(_ file: FileKey, bytes: UInt64, error: AFSError) {
    context.log.error("\(bytes) changed bytes of \(file.fid) could not be stored and are lost: \(error)")
  }
}
