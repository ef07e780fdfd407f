import AFSBase
import AFSCredentials
import AFSTypes
import Glibc
import Synchronization

@testable import AFSClient

/// A file system in memory which behaves as the protocol demands, with switches that tests turn.
final class MemoryFileSystem: FileSystem {
  let locks = Mutex<[UInt64: [LockRequest.Style: LockTable]]>([:])
  final class MemoryNode: Node {
    let key: NodeKey
    init(_ key: NodeKey) { self.key = key }
  }

  struct Inode {
    var kind: Attributes.Kind
    var permissions: UInt16
    var uid: UInt32
    var gid: UInt32 = 0
    var links: UInt32 = 1
    var version: UInt64 = 1
    var modified = WallTime(seconds: 1_000_000_000)
    var bytes: [UInt8] = []
    var entries: [[UInt8]: UInt64] = [:]
    var order: [[UInt8]] = []
    /// Aliases show the same file below another mount number.
    var mountOf: [[UInt8]: UInt32] = [:]
    var acl: [UInt8] = Array("system:anyuser rl".utf8)
  }

  /// What tests change.
  struct Behaviour {
    /// `cached...` answers nothing: everything goes through tasks.
    var answersFromCache = true
    var entryValidity = Duration.seconds(3600)
    var attributeValidity = Duration.seconds(3600)
    var absentValidity = Duration.seconds(3600)
    var keepsPages = true
    /// Reads of files with this name wait until cancelled.
    var blocksReads = false
    /// The close of this file waits for `releaseReads()`, as if its server were silent.
    var blocksCloseOf: UInt64?
    var failure: AFSError?
    var quota = Int.max
    /// Entries whose attributes READDIRPLUS gets only after `prepareEntries`.
    var preparesEntries = false
  }

  struct Counts: Equatable {
    var lookups = 0
    var attributes = 0
    var reads = 0
    var writes = 0
    var flushes = 0
    var opens = 0
    var openDirectories = 0
    var closes = 0
    var prepares = 0
    var forgotten = 0
    var synchronizations = 0
    var interrupted = 0
    var extendedAttributes = 0
  }

  struct State {
    var inodes: [UInt64: Inode] = [:]
    var next: UInt64 = 2
    var behaviour = Behaviour()
    var counts = Counts()
    var nodes: [NodeKey: MemoryNode] = [:]
    var sink: (any InvalidationSink)?
    var isShutDown = false
    /// Of reads that wait.
    var gates: [AsyncStream<Void>.Continuation] = []
    /// Of those who wait for a lock.
    var lockGates: [AsyncStream<Void>.Continuation] = []
  }

  let state: Mutex<State>
  let root: any Node

  init() {
    var initial = State()
    let rootNode = MemoryNode(Self.key(1, mount: 0))
    initial.inodes[1] = Inode(kind: .directory, permissions: 0o755, uid: getuid(), links: 2)
    initial.nodes[rootNode.key] = rootNode
    root = rootNode
    state = Mutex(initial)
  }

  static func key(_ inode: UInt64, mount: UInt32) -> NodeKey {
    NodeKey(mount: mount, file: FileKey(cell: 1, fid: FID(volume: VolumeID(1), vnode: inode, unique: 1)))
  }

  static func number(_ node: any Node) -> UInt64 { node.key.file.fid.vnode }

  // MARK: For tests

  var behaviour: Behaviour {
    get { state.withLock { $0.behaviour } }
    set { state.withLock { $0.behaviour = newValue } }
  }

  var counts: Counts { state.withLock { $0.counts } }

  func resetCounts() { state.withLock { $0.counts = Counts() } }

  /// Lets reads that wait go on, and later ones not wait.
  func releaseReads() {
    let gates = state.withLock { state in
      state.behaviour.blocksReads = false
      defer { state.gates = [] }
      return state.gates
    }
    for gate in gates { gate.finish() }
  }

  var sink: (any InvalidationSink)? { state.withLock { $0.sink } }

  /// Makes a file as if another client did: the kernel is not told.
  @discardableResult
  func plant(_ name: String, _ bytes: [UInt8], in directory: UInt64 = 1) -> UInt64 {
    state.withLock { state in
      let name = Array(name.utf8)
      if let number = state.inodes[directory]?.entries[name] {
        state.inodes[number]?.bytes = bytes
        state.inodes[number]?.version += 1
        return number
      }
      return Self.make(.file, name, in: directory, permissions: 0o644, uid: getuid(), state: &state, bytes: bytes)
    }
  }

  @discardableResult
  func plantDirectory(_ name: String, in directory: UInt64 = 1) -> UInt64 {
    state.withLock { state in
      Self.make(.directory, Array(name.utf8), in: directory, permissions: 0o755, uid: getuid(), state: &state)
    }
  }

  /// The same file or directory again, as reached through another mount point.
  func plantAlias(_ name: String, of number: UInt64, mount: UInt32, in directory: UInt64 = 1) {
    state.withLock { state in
      let name = Array(name.utf8)
      state.inodes[directory]?.entries[name] = number
      state.inodes[directory]?.order.append(name)
      state.inodes[directory]?.mountOf[name] = mount
      state.inodes[directory]?.version += 1
    }
  }

  func uproot(_ name: String, in directory: UInt64 = 1) {
    state.withLock { state in
      let name = Array(name.utf8)
      state.inodes[directory]?.entries[name] = nil
      state.inodes[directory]?.order.removeAll { $0 == name }
      state.inodes[directory]?.version += 1
    }
  }

  func bytes(_ name: String, in directory: UInt64 = 1) -> [UInt8]? {
    state.withLock { state in
      state.inodes[directory]?.entries[Array(name.utf8)].flatMap { state.inodes[$0]?.bytes }
    }
  }

  static func make(
    _ kind: Attributes.Kind, _ name: [UInt8], in directory: UInt64, permissions: UInt16, uid: UInt32,
    state: inout State, bytes: [UInt8] = []
  ) -> UInt64 {
    let number = state.next
    state.next += 1
    state.inodes[number] = Inode(kind: kind, permissions: permissions, uid: uid, links: kind == .directory ? 2 : 1)
    state.inodes[number]?.bytes = bytes
    state.inodes[directory]?.entries[name] = number
    state.inodes[directory]?.order.append(name)
    state.inodes[directory]?.version += 1
    return number
  }

  // MARK: Shared by the operations

  func node(_ number: UInt64, mount: UInt32, _ state: inout State) -> MemoryNode {
    let key = Self.key(number, mount: mount)
    if let node = state.nodes[key] { return node }
    let node = MemoryNode(key)
    state.nodes[key] = node
    return node
  }

  func attributes(_ number: UInt64, _ state: State) throws(AFSError) -> Attributes {
    guard let inode = state.inodes[number] else { throw .stale }
    return Attributes(
      fileID: number + 100, kind: inode.kind, permissions: inode.permissions, linkCount: inode.links, uid: inode.uid,
      gid: inode.gid, size: UInt64(inode.bytes.count), modified: inode.modified, statusChanged: inode.modified,
      dataVersion: DataVersion(inode.version))
  }

  func entry(_ number: UInt64, mount: UInt32, _ state: inout State) throws(AFSError) -> NodeEntry {
    NodeEntry(
      node: node(number, mount: mount, &state), attributes: try attributes(number, state),
      entryValidity: state.behaviour.entryValidity, attributeValidity: state.behaviour.attributeValidity)
  }

  func check(_ name: [UInt8], _ state: State) throws(AFSError) {
    if let failure = state.behaviour.failure { throw failure }
    if name.count > 255 { throw .nameTooLong }
  }

  /// `Mutex.withLock` with typed errors.
  func locked<Result>(_ body: (inout State) throws(AFSError) -> sending Result) throws(AFSError) -> Result {
    try state.withLock { (state) throws(AFSError) -> sending Result in try body(&state) }
  }
}
