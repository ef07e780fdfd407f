import AFSClient
import Synchronization

/// What an open file descriptor stands for.
final class FileHandle: Sendable {
  let file: any OpenFile
  let node: UInt64
  let access: OpenAccess
  /// Owners of record locks which were taken through it. They go with it at the latest: a reader's closes are not heard of
  /// (FOPEN_NOFLUSH), and locks of open file descriptions (F_OFD_SETLK) have an owner that no FLUSH names.
  private let owners = Mutex<Set<UInt64>>([])

  func locked(by owner: UInt64) {
    owners.withLock { _ = $0.insert(owner) }
  }

  var lockOwners: Set<UInt64> { owners.withLock { $0 } }

  init(file: any OpenFile, node: UInt64, access: OpenAccess) {
    self.file = file
    self.node = node
    self.access = access
  }
}

/// What an open directory stream stands for.
final class DirectoryHandle: Sendable {
  private struct State {
    var directory: any OpenDirectory
    var hasStarted = false
  }

  let node: UInt64
  private let state: Mutex<State>

  init(directory: any OpenDirectory, node: UInt64) {
    self.node = node
    state = Mutex(State(directory: directory))
  }

  var directory: any OpenDirectory { state.withLock { $0.directory } }

  /// - Returns: true when reading starts over (`rewinddir`): the names must then be taken anew.
  func startsOver(at index: Int) -> Bool {
    state.withLock { state in
      defer { state.hasStarted = true }
      return index == 0 && state.hasStarted
    }
  }

  func replace(with directory: any OpenDirectory) {
    state.withLock { $0.directory = directory }
  }
}

/// Numbers for open files: counted up, never addresses.
final class HandleTable<Handle: Sendable>: Sendable {
  private struct State {
    var nextID: UInt64 = 1
    var handles: [UInt64: Handle] = [:]
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.handles.count } }

  subscript(id: UInt64) -> Handle? {
    state.withLock { $0.handles[id] }
  }

  func insert(_ handle: Handle) -> UInt64 {
    state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      state.handles[id] = handle
      return id
    }
  }

  func remove(_ id: UInt64) -> Handle? {
    state.withLock { $0.handles.removeValue(forKey: id) }
  }

  func removeAll() -> [Handle] {
    state.withLock { state in
      defer { state.handles = [:] }
      return Array(state.handles.values)
    }
  }
}
