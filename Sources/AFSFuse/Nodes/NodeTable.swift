import AFSBase
import AFSClient
import Synchronization

/// What the kernel knows of the file system: its numbers for nodes, and the names that it may hold.
///
/// Node ids are counted up from 1, the root, and never used again: an id is neither an address nor an index, so
/// that a table written to disk can be taken up by another process. A record lives while the kernel holds
/// references (`lookups`) to the id.
///
/// Invariants: `files[key]` lists exactly the ids of the records whose node has that key; no two of them have equal
/// `NodeKey`s; `nameCount` is the sum of the records' name counts.
///
/// A leaf in the lock order: nothing is called while the lock is held.
final class NodeTable: Sendable {
  static let rootID: UInt64 = 1

  /// Names remembered at most. Beyond it names are given to the kernel with no validity: it asks each time.
  let namesMax: Int

  private struct Record {
    var node: any Node
    var lookups: UInt64
    /// Names in this directory that were given with a validity.
    var names = NameSet()
    /// When the last of them was given: a reply may still be on its way into the kernel's tables.
    var namesGiven = MonotonicTime.zero
  }

  /// The ids of one file: nearly always one.
  private struct IDs {
    var first: UInt64
    var others: [UInt64] = []
    var all: [UInt64] { [first] + others }
  }

  private struct State {
    var nextID: UInt64 = NodeTable.rootID + 1
    var records: [UInt64: Record] = [:]
    var files: [FileKey: IDs] = [:]
    var nameCount = 0
  }

  private let state: Mutex<State>

  init(root: any Node, namesMax: Int = 1_000_000) {
    self.namesMax = namesMax
    var initial = State()
    initial.records[Self.rootID] = Record(node: root, lookups: 1)
    initial.files[root.key.file] = IDs(first: Self.rootID)
    state = Mutex(initial)
  }

  var count: Int { state.withLock { $0.records.count } }
  var nameCount: Int { state.withLock { $0.nameCount } }

  subscript(id: UInt64) -> (any Node)? {
    state.withLock { $0.records[id]?.node }
  }

  /// Counts a reference which the kernel is about to get, and gives the node an id when it has none.
  func reference(_ node: any Node) -> UInt64 {
    let key = node.key
    return state.withLock { state in
      if let id = Self.id(of: key, in: state) {
        state.records[id]?.lookups += 1
        // The client may have made the object anew meanwhile: the latest is the one that it knows.
        state.records[id]?.node = node
        return id
      }
      let id = state.nextID
      state.nextID += 1
      state.records[id] = Record(node: node, lookups: 1)
      if state.files[key.file] == nil {
        state.files[key.file] = IDs(first: id)
      } else {
        state.files[key.file]?.others.append(id)
      }
      return id
    }
  }

  /// Notes that the kernel is about to get a name with a validity, present or absent.
  /// - Returns: false when the table is full or the directory unknown: then the name must have no validity.
  func remember(_ name: UnsafeRawBufferPointer, in directory: UInt64, now: MonotonicTime) -> Bool {
    guard (1...255).contains(name.count) else { return false }
    return state.withLock { state in
      guard let index = state.records.index(forKey: directory) else { return false }
      state.records.values[index].namesGiven = now
      if state.nameCount >= namesMax { return state.records.values[index].names.contains(name) }
      if state.records.values[index].names.insert(name) { state.nameCount += 1 }
      return true
    }
  }

  /// The kernel gave back `count` references.
  /// - Returns: the node when these were the last.
  func dereference(_ id: UInt64, count: UInt64) -> (any Node)? {
    guard id != Self.rootID else { return nil }
    return state.withLock { state in
      guard let record = state.records[id] else { return nil }
      guard record.lookups <= count else {
        state.records[id]?.lookups -= count
        return nil
      }
      state.records[id] = nil
      state.nameCount -= record.names.count
      Self.remove(id, of: record.node.key.file, from: &state)
      return record.node
    }
  }

  /// The ids under which the kernel knows a file.
  func ids(of file: FileKey) -> [UInt64] {
    state.withLock { $0.files[file]?.all ?? [] }
  }

  /// The other ids of the file that `id` stands for: those that do not learn by themselves of a change through it.
  func aliases(of id: UInt64) -> [UInt64] {
    state.withLock { state in
      guard let key = state.records[id]?.node.key, let ids = state.files[key.file], !ids.others.isEmpty else {
        return []
      }
      return ids.all.filter { $0 != id }
    }
  }

  var allIDs: [UInt64] { state.withLock { Array($0.records.keys) } }

  /// Takes the remembered names of a directory.
  /// - Returns: the names, and when the last of them was given.
  func takeNames(of directory: UInt64) -> (names: NameSet, given: MonotonicTime) {
    state.withLock { state in
      guard let record = state.records[directory] else { return (NameSet(), .zero) }
      state.records[directory]?.names = NameSet()
      state.nameCount -= record.names.count
      return (record.names, record.namesGiven)
    }
  }

  /// When a name in the directory was last given with a validity.
  func namesGiven(in directory: UInt64) -> MonotonicTime {
    state.withLock { $0.records[directory]?.namesGiven ?? .zero }
  }

  private static func id(of key: NodeKey, in state: State) -> UInt64? {
    guard let ids = state.files[key.file] else { return nil }
    if state.records[ids.first]?.node.key.mount == key.mount { return ids.first }
    return ids.others.first { state.records[$0]?.node.key.mount == key.mount }
  }

  private static func remove(_ id: UInt64, of file: FileKey, from state: inout State) {
    guard var ids = state.files[file] else { return }
    if ids.first == id {
      guard let next = ids.others.popLast() else {
        state.files[file] = nil
        return
      }
      ids.first = next
    } else {
      ids.others.removeAll { $0 == id }
    }
    state.files[file] = ids
  }
}
