internal import AFSBase
internal import AFSCredentials
internal import RxTransport
internal import Synchronization

/// The end of an open file, and what becomes of changes that could not be stored.
extension FileContents {
  /// The last descriptor of one open is gone. Changes which no flush has tried to store (pages of a mapping) are
  /// stored now. After the last writer, changes which cannot be stored for good are dropped: a flush has reported the
  /// error. When the server cannot be reached they are kept, and tried again until they are stored.
  func closed(access: OpenAccess, as identity: Identity) async {
    let (isLastWriter, failure) = guarded.withLock { guarded in
      guarded.openCount -= 1
      if access.writes { guarded.writerCount -= 1 }
      if guarded.openCount == 0 { abandonFetches(&guarded) }
      return (
        access.writes && guarded.writerCount == 0 && guarded.state.hasLocalChange, guarded.stores.lastFailure
      )
    }
    guard isLastWriter else { return }
    if let failure, !failure.isTransient { return giveUp(because: failure, as: identity) }
    do throws(AFSError) {
      try await storeAll(as: identity)
    } catch {
      if error.isTransient { retryLater(as: identity) } else { giveUp(because: error, as: identity) }
    }
  }

  /// A store that is under way may yet take what the last one could not: what becomes of it decides.
  private func giveUp(because error: AFSError, as identity: Identity) {
    if !dropChanges(because: error) { retryLater(as: identity, after: 0) }
  }

  /// Stores what is left unless a writer will.
  /// - Parameter delay: seconds until the first attempt; the next follow after 10, 20, 40, then every 60.
  func retryLater(as identity: Identity, after delay: Int64 = 10) {
    let isFirst = guarded.withLock { guarded in
      defer { guarded.isRetrying = true }
      return !guarded.isRetrying
    }
    guard isFirst else { return }
    context.spawn { [self] in
      var delay = delay
      while localChange != nil {
        if delay > 0 {
          do {
            try await context.timer.sleep(until: context.timer.now + .seconds(delay))
          } catch {
            break
          }
        }
        delay = min(max(2 * delay, 10), 60)
        do throws(AFSError) {
          try await storeAll(as: identity)
        } catch {
          if !error.isTransient { _ = dropChanges(because: error) }
        }
      }
      guarded.withLock { $0.isRetrying = false }
    }
  }
}
