import AFSClient

/// What a file system should be, in the simplest way: the reference that the client is compared with.
///
/// `stored` is what the server has and every other client sees; `local` is what one client has written and not yet
/// stored. Errors are the ones that AFS gives: a file with several names stays in its directory.
struct FileTree {
  struct Vnode {
    var kind: Attributes.Kind
    var stored: [UInt8] = []
    var local: [UInt8]?
    var names: [String: Int] = [:]
    /// Files which the client unlinked while it had them open; they lie here until they are closed.
    var hidden: Set<Int> = []
    var target = ""
    var linkCount = 1
    var permissions: UInt16
    /// Permissions which go to the server with the contents that are yet to be stored.
    var localPermissions: UInt16?
    /// The directory that holds the file's names, or the directory itself.
    var parent: Int

    var shown: [UInt8] { local ?? stored }
  }

  private(set) var vnodes: [Int: Vnode] = [0: Vnode(kind: .directory, permissions: 0o755, parent: 0)]
  private var next = 1

  // MARK: Looking

  subscript(id: Int) -> Vnode {
    get { vnodes[id]! }
    set { vnodes[id] = newValue }
  }

  func lookup(_ name: String, in directory: Int) throws(AFSError) -> Int? {
    guard self[directory].kind == .directory else { throw .notDirectory }
    return self[directory].names[name]
  }

  func find(_ path: String) throws(AFSError) -> Int {
    var id = 0
    for name in path.split(separator: "/") {
      guard let found = try lookup(String(name), in: id) else { throw .notFound }
      id = found
    }
    return id
  }

  func parent(_ path: String) throws(AFSError) -> (directory: Int, name: String) {
    let names = path.split(separator: "/").map(String.init)
    let directory = try find(names.dropLast().joined(separator: "/"))
    guard self[directory].kind == .directory else { throw .notDirectory }
    return (directory, names.last ?? "")
  }

  /// Every path, with what it means.
  func paths(below id: Int = 0, prefix: String = "") -> [(path: String, id: Int)] {
    self[id].names.sorted { $0.key < $1.key }.flatMap { name, child in
      let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
      return [(path, child)] + (self[child].kind == .directory ? paths(below: child, prefix: path) : [])
    }
  }

  // MARK: Names

  private mutating func add(_ vnode: Vnode, _ name: String, to directory: Int) -> Int {
    defer { next += 1 }
    vnodes[next] = vnode
    self[directory].names[name] = next
    return next
  }

  @discardableResult
  mutating func make(_ kind: Attributes.Kind, _ path: String, target: String = "") throws(AFSError) -> Int {
    let (directory, name) = try parent(path)
    guard self[directory].names[name] == nil else { throw .alreadyExists }
    let permissions: UInt16 = kind == .file ? 0o644 : 0o755
    var vnode = Vnode(kind: kind, permissions: permissions, parent: directory)
    vnode.target = target
    return add(vnode, name, to: directory)
  }

  /// What `open` with O_CREAT gives.
  mutating func openOrMake(_ path: String) throws(AFSError) -> Int {
    let (directory, name) = try parent(path)
    guard let id = self[directory].names[name] else { return try make(.file, path) }
    try requireFile(id)
    return id
  }

  func requireFile(_ id: Int) throws(AFSError) {
    switch self[id].kind {
    case .file: break
    case .directory: throw .isDirectory
    case .symbolicLink: throw .tooManySymbolicLinks
    }
  }

  mutating func link(_ path: String, as newPath: String) throws(AFSError) {
    let id = try find(path)
    let (directory, name) = try parent(newPath)
    guard self[directory].names[name] == nil else { throw .alreadyExists }
    guard self[id].parent == directory else { throw .crossDevice }
    self[directory].names[name] = id
    self[id].linkCount += 1
  }

  /// - Parameter isOpen: whether the client who removes has it open, and so hides it.
  mutating func remove(_ path: String, isOpen: (Int) -> Bool) throws(AFSError) {
    let (directory, name) = try parent(path)
    guard let id = self[directory].names[name] else { throw .notFound }
    guard self[id].kind != .directory else { throw .isDirectory }
    dropName(name, in: directory, isOpen: isOpen)
  }

  private mutating func dropName(_ name: String, in directory: Int, isOpen: (Int) -> Bool) {
    guard let id = self[directory].names.removeValue(forKey: name) else { return }
    if self[id].kind != .directory, self[id].linkCount > 1 {
      self[id].linkCount -= 1
    } else if isOpen(id) {
      self[directory].hidden.insert(id)
    } else {
      vnodes[id] = nil
    }
  }

  /// The last descriptor of a file was closed.
  mutating func closed(_ id: Int) {
    guard let directory = vnodes.first(where: { $0.value.hidden.contains(id) })?.key else { return }
    self[directory].hidden.remove(id)
    vnodes[id] = nil
  }

  private func isEmpty(_ directory: Int) -> Bool {
    self[directory].names.isEmpty && self[directory].hidden.isEmpty
  }

  mutating func removeDirectory(_ path: String) throws(AFSError) {
    let (directory, name) = try parent(path)
    guard let id = self[directory].names[name] else { throw .notFound }
    guard self[id].kind == .directory else { throw .notDirectory }
    guard isEmpty(id) else { throw .notEmpty }
    self[directory].names[name] = nil
    vnodes[id] = nil
  }

  mutating func rename(_ path: String, to newPath: String, isOpen: (Int) -> Bool) throws(AFSError) {
    let (source, name) = try parent(path)
    let (target, newName) = try parent(newPath)
    guard let id = self[source].names[name] else { throw .notFound }
    let replaced = self[target].names[newName]
    if replaced == id { return }
    let isDirectory = self[id].kind == .directory
    if !isDirectory, source != target, self[id].linkCount > 1 { throw .crossDevice }
    if let replaced {
      switch (isDirectory, self[replaced].kind == .directory) {
      case (true, true): if !isEmpty(replaced) { throw .notEmpty }
      case (true, false): throw .notDirectory
      case (false, true): throw .isDirectory
      case (false, false): break
      }
    }
    if isDirectory, isBelow(target, id) { throw .invalidArgument }
    if replaced != nil { dropName(newName, in: target, isOpen: isOpen) }
    self[source].names[name] = nil
    self[target].names[newName] = id
    self[id].parent = target
  }

  private func isBelow(_ id: Int, _ ancestor: Int) -> Bool {
    var id = id
    while id != ancestor {
      if id == 0 { return false }
      id = self[id].parent
    }
    return true
  }

  // MARK: Contents

  static func changed(_ bytes: [UInt8], writing piece: [UInt8], at offset: Int) -> [UInt8] {
    var bytes = resized(bytes, to: max(bytes.count, offset + piece.count))
    bytes.replaceSubrange(offset..<offset + piece.count, with: piece)
    return bytes
  }

  static func resized(_ bytes: [UInt8], to size: Int) -> [UInt8] {
    Array(bytes.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - bytes.count))
  }

  mutating func store(_ id: Int) {
    guard let local = self[id].local else { return }
    self[id].stored = local
    self[id].local = nil
    self[id].permissions = self[id].localPermissions ?? self[id].permissions
    self[id].localPermissions = nil
  }
}
