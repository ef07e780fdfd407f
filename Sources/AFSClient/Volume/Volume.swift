package import AFSBase
package import AFSTypes
import Synchronization

/// A volume of a cell: where it is, and what holds for all its files.
package final class Volume: Sendable {
  package enum Kind: Hashable, Sendable {
    case readWrite
    case readOnly
    case backup
  }

  private struct State {
    var location: VolumeLocation
    /// When the location must be asked for again.
    var locationEnd: MonotonicTime
    var callbackBreaks: UInt64 = 0
    /// Breaks of files of which no vnode is in memory: they may concern a file that is being created.
    var unmatchedBreaks: UInt64 = 0
    var promise: (server: Fileserver, end: MonotonicTime)?
    /// When the copy that servers have was made, as they say; nil before the first answer.
    var creationDate: UInt32?
  }

  package let cell: Cell
  package let id: VolumeID
  package let kind: Kind
  /// Held while the location is asked for again.
  package let locationLock = AsyncLock()
  private let state: Mutex<State>

  package init(cell: Cell, id: VolumeID, kind: Kind, location: VolumeLocation, until end: MonotonicTime) {
    self.cell = cell
    self.id = id
    self.kind = kind
    state = Mutex(State(location: location, locationEnd: end))
  }

  /// Backup volumes are read-only too.
  package var isReadOnly: Bool { kind != .readWrite }

  // MARK: Location

  package var location: VolumeLocation { state.withLock { $0.location } }
  package var name: String { location.name(of: kind) }

  package func hasCurrentLocation(now: MonotonicTime) -> Bool {
    state.withLock { now < $0.locationEnd }
  }

  package func setLocation(_ location: VolumeLocation, until end: MonotonicTime) {
    state.withLock { state in
      state.location = location
      state.locationEnd = end
    }
  }

  // MARK: Callbacks

  package var callbackBreaks: UInt64 { state.withLock { $0.callbackBreaks } }
  package var unmatchedBreaks: UInt64 { state.withLock { $0.unmatchedBreaks } }

  package func callbackBroken() {
    state.withLock { state in
      state.callbackBreaks += 1
      state.promise = nil
    }
  }

  package func unmatchedCallbackBroken() {
    state.withLock { $0.unmatchedBreaks += 1 }
  }

  /// Notes when the copy which a server has was made (AFSVolSync: OpenAFS src/viced/afsfileprocs.c, SetVolumeSync).
  /// - Returns: whether it is another copy than the one that was known.
  package func noteCreationDate(_ date: UInt32) -> Bool {
    state.withLock { state in
      guard date != 0, state.creationDate != date else { return false }
      defer { state.creationDate = date }
      return state.creationDate != nil
    }
  }

  /// The server's promise for one file of a read-only volume holds for all of them: it breaks them together
  /// (OpenAFS src/viced/callback.c, AddVolCallBack1).
  package func promised(by server: Fileserver, until end: MonotonicTime) {
    guard isReadOnly else { return }
    state.withLock { state in
      if let promise = state.promise, promise.server === server, promise.end >= end { return }
      state.promise = (server, end)
    }
  }

  /// The server whose promise for the whole volume was given last.
  package var promisingServer: Fileserver? { state.withLock { $0.promise?.server } }

  package func promiseEnd(of server: Fileserver) -> MonotonicTime {
    state.withLock { state in
      guard let promise = state.promise, promise.server === server else { return .zero }
      return promise.end
    }
  }
}
