package import AFSCache
package import AFSClient
package import AFSCredentials
package import RxTesting
import RxTransport

/// A host with a client, used by paths as programs use a mount: first what needs no waiting, then what does.
package final class Client: Sendable {
  package let host: SimulatorHost
  package let fileSystem: AFSFileSystem
  package let kernel: KernelModel
  package let cache: DiskCache
  package let stateFolder: String
  /// What it has logged.
  package let log: LogRecorder
  package let identity = Identity(uid: 1000)
  let timer: any RxTimer
  private let background: Task<Void, Never>

  init(
    host: SimulatorHost, fileSystem: AFSFileSystem, kernel: KernelModel, timer: any RxTimer, cache: DiskCache,
    stateFolder: String, log: LogRecorder, background: Task<Void, Never>
  ) {
    self.host = host
    self.fileSystem = fileSystem
    self.kernel = kernel
    self.timer = timer
    self.cache = cache
    self.stateFolder = stateFolder
    self.log = log
    self.background = background
  }

  func endBackground() async {
    background.cancel()
    await background.value
  }

  // MARK: Paths

  static func names(_ path: String) -> [[UInt8]] {
    path.split(separator: "/").map { Array($0.utf8) }
  }

  /// What a name means; nil when it does not exist.
  package func lookup(_ name: [UInt8], in directory: any Node) async throws(AFSError) -> NodeEntry? {
    if let known = kernel.entry(name, in: directory) { return known }
    let lookup: Lookup
    if let cached = fileSystem.cachedLookup(name, in: directory, as: identity) {
      lookup = try cached.get()
    } else {
      lookup = try await fileSystem.lookup(name, in: directory, as: identity)
    }
    kernel.remember(name, in: directory, lookup)
    if case .found(let entry) = lookup { return entry }
    return nil
  }

  /// The node of a path.
  package func node(_ path: String) async throws(AFSError) -> any Node {
    try await node(Self.names(path)[...]).node
  }

  private func node(_ names: ArraySlice<[UInt8]>) async throws(AFSError) -> (node: any Node, kind: Attributes.Kind) {
    var (node, kind) = (fileSystem.root, Attributes.Kind.directory)
    for name in names {
      guard let entry = try await lookup(name, in: node) else { throw .notFound }
      (node, kind) = (entry.node, entry.attributes.kind)
    }
    return (node, kind)
  }

  /// The directory that a path's last name lies in, and that name.
  func parent(_ path: String) async throws(AFSError) -> (directory: any Node, name: [UInt8]) {
    let names = Self.names(path)
    guard let last = names.last else { throw .invalidArgument }
    let (directory, kind) = try await node(names.dropLast())
    // A kernel sees that by itself.
    guard kind == .directory else { throw .notDirectory }
    return (directory, last)
  }

  package func exists(_ path: String) async throws(AFSError) -> Bool {
    do {
      _ = try await node(path)
      return true
    } catch .notFound {
      return false
    } catch {
      throw error
    }
  }

  package func attributes(_ path: String) async throws(AFSError) -> Attributes {
    try await attributes(of: try await node(path))
  }

  package func attributes(of node: any Node) async throws(AFSError) -> Attributes {
    if let known = kernel.attributes(of: node) { return known }
    let answer: NodeAttributes
    if let cached = fileSystem.cachedAttributes(of: node, as: identity) {
      answer = try cached.get()
    } else {
      answer = try await fileSystem.attributes(of: node, as: identity)
    }
    kernel.remember(node, answer)
    return answer.attributes
  }

  /// The names in a directory, sorted, without `.` and `..`.
  package func list(_ path: String = "") async throws(AFSError) -> [String] {
    try await entries(path).map { String(decoding: $0.name, as: UTF8.self) }.filter { $0 != "." && $0 != ".." }
      .sorted()
  }

  /// A directory's items as `readdir` gives them, with their attributes asked for as READDIRPLUS does.
  package func entries(_ path: String) async throws(AFSError) -> [DirectoryItem] {
    let node = try await node(path)
    let directory: any OpenDirectory
    if let cached = fileSystem.cachedOpenDirectory(node, as: identity) {
      directory = try cached.get()
    } else {
      directory = try await fileSystem.openDirectory(node, as: identity)
    }
    var items: [DirectoryItem] = []
    while let item = directory.item(at: items.count) {
      if items.count.isMultiple(of: 40) { try await directory.prepareEntries(from: items.count, count: 40) }
      if let entry = directory.entry(at: items.count) { kernel.remember(item.name, in: node, .found(entry)) }
      items.append(item)
    }
    return items
  }
}
