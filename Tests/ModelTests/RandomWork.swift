import AFSBase
import AFSClient
import AFSMockServer
import AFSTypes
import RxTesting
import TestWorld
import Testing

/// Random operations by a client, and now and then by another one and by the server, each done to the reference too;
/// results, errors and what the client shows afterwards are compared.
struct RandomWork {
  struct Handle {
    let file: OpenedFile
    let id: Int
    let writes: Bool
  }

  let world: World
  let client: Client
  let other: Client
  var random: SeededGenerator
  var tree = FileTree()
  var handles: [Handle] = []
  /// What was done, for the report of a failure.
  var history: [String] = []

  init(_ world: World, seed: UInt64) {
    self.world = world
    client = world.clients[0]
    other = world.clients[1]
    random = SeededGenerator(seed: seed)
  }

  // MARK: Chance

  mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

  /// A path that may exist or not, up to three names deep.
  mutating func path() -> String {
    let depth = [1, 1, 2, 2, 2, 3][number(0..<6)]
    return (0..<depth).map { _ in ["a", "b", "c", "d"][number(0..<4)] }.joined(separator: "/")
  }

  /// A path of a file that exists, mostly.
  mutating func likelyFile() -> String {
    let files = tree.paths().filter { tree[$0.id].kind == .file }
    return files.isEmpty || number(0..<5) == 0 ? path() : files[number(0..<files.count)].path
  }

  mutating func bytes() -> [UInt8] {
    let size = [0, 1, number(0..<300), number(0..<5000), number(0..<40_000)][number(0..<5)]
    let salt = number(0..<256)
    return (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8) &* 3 &+ salt) }
  }

  // MARK: Comparison of results

  /// Does the same to both; the outcomes must be equal.
  mutating func both(
    _ what: String, _ reference: (inout FileTree) throws(AFSError) -> Void, _ real: () async throws -> Void
  ) async throws {
    history.append(what)
    world.note(what)
    var expected: AFSError?
    do throws(AFSError) { try reference(&tree) } catch { expected = error }
    var seen: AFSError?
    do {
      try await real()
    } catch let error as AFSError {
      seen = error
    }
    if seen != expected {
      throw Difference("\(String(describing: seen)) instead of \(String(describing: expected)); \(report)")
    }
  }

  var report: String {
    "seed \(world.simulator.seed), step \(history.count):\n\(history.suffix(30).joined(separator: "\n"))"
  }

  /// Where two contents begin to differ.
  func difference(_ seen: [UInt8], _ expected: [UInt8]) -> String? {
    if seen == expected { return nil }
    let first = zip(seen, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    let place = first.map { "byte \($0) is \(seen[$0]) instead of \(expected[$0])" } ?? "one is the other's start"
    return "\(seen.count) bytes instead of \(expected.count), \(place); \(report)"
  }

  func isOpen(_ id: Int) -> Bool { handles.contains { $0.id == id } }
  func isOpenForWriting(_ id: Int) -> Bool { handles.contains { $0.id == id && $0.writes } }

  // MARK: Steps

  mutating func run(steps: Int) async throws {
    for step in 1...steps {
      try await self.step()
      try await look()
      if step.isMultiple(of: 25) { try await compareEverything() }
    }
    while !handles.isEmpty { try await close() }
    try await compareEverything()
  }

  private mutating func step() async throws {
    switch number(0..<100) {
    case 0..<12: try await create()
    case 12..<20: try await overwrite()
    case 20..<25: try await setSize()
    case 25..<33: try await remove()
    case 33..<43: try await rename()
    case 43..<50: try await makeDirectory()
    case 50..<54: try await removeDirectory()
    case 54..<58: try await link()
    case 58..<61: try await makeSymbolicLink()
    case 61..<64: try await setPermissions()
    case 64..<78: try await useHandle()
    case 78..<90: try await remoteChange()
    default: try await event()
    }
  }

  private mutating func create() async throws {
    let (path, content) = (path(), bytes())
    let client = client
    try await both("write \(path), \(content.count) bytes") { (tree) throws(AFSError) in
      let id = try tree.openOrMake(path)
      // Closing one descriptor stores what was written through all.
      tree[id].local = content
      tree.store(id)
    } _: {
      try await client.write(path, content)
    }
  }

  private mutating func overwrite() async throws {
    let (path, content, offset) = (likelyFile(), bytes(), number(0..<30_000))
    let client = client
    try await both("overwrite \(path), \(content.count) bytes at \(offset)") { (tree) throws(AFSError) in
      let id = try tree.find(path)
      try tree.requireFile(id)
      if !content.isEmpty { tree[id].local = FileTree.changed(tree[id].shown, writing: content, at: offset) }
      tree.store(id)
    } _: {
      try await client.overwrite(path, content, at: offset)
    }
  }

  private mutating func setSize() async throws {
    let (path, size) = (likelyFile(), number(0..<30_000))
    let client = client
    let isOpenForWriting = { [self] id in self.isOpenForWriting(id) }
    try await both("truncate \(path) to \(size)") { (tree) throws(AFSError) in
      let id = try tree.find(path)
      switch tree[id].kind {
      case .file: break
      case .directory: throw .isDirectory
      case .symbolicLink: throw .invalidArgument
      }
      tree[id].local = FileTree.resized(tree[id].shown, to: size)
      if !isOpenForWriting(id) { tree.store(id) }
    } _: {
      try await client.setAttributes(path, AttributeChange(size: UInt64(size)))
    }
  }

  private mutating func remove() async throws {
    let path = likelyFile()
    let client = client
    let isOpen = { [self] id in self.isOpen(id) }
    try await both("remove \(path)") { (tree) throws(AFSError) in
      try tree.remove(path, isOpen: isOpen)
    } _: {
      try await client.remove(path)
    }
  }

  private mutating func rename() async throws {
    let (path, newPath) = (number(0..<2) == 0 ? likelyFile() : path(), path())
    let client = client
    let isOpen = { [self] id in self.isOpen(id) }
    try await both("rename \(path) to \(newPath)") { (tree) throws(AFSError) in
      try tree.rename(path, to: newPath, isOpen: isOpen)
    } _: {
      try await client.rename(path, to: newPath)
    }
  }

  private mutating func makeDirectory() async throws {
    let path = path()
    let client = client
    try await both("mkdir \(path)") { (tree) throws(AFSError) in
      try tree.make(.directory, path)
    } _: {
      try await client.makeDirectory(path)
    }
  }

  private mutating func removeDirectory() async throws {
    let path = path()
    let client = client
    try await both("rmdir \(path)") { (tree) throws(AFSError) in
      try tree.removeDirectory(path)
    } _: {
      try await client.removeDirectory(path)
    }
  }

  private mutating func link() async throws {
    let (path, name) = (likelyFile(), ["a", "b", "c", "d"][number(0..<4)])
    var newPath = path.split(separator: "/").dropLast().map(String.init) + [name]
    if number(0..<6) == 0 { newPath = self.path().split(separator: "/").map(String.init) }
    let (new, client) = (newPath.joined(separator: "/"), client)
    // Links to what is no file are refused for other reasons than the model has.
    if let id = try? tree.find(path), tree[id].kind != .file { return }
    try await both("link \(path) as \(new)") { (tree) throws(AFSError) in
      try tree.link(path, as: new)
    } _: {
      try await client.link(path, as: new)
    }
  }

  private mutating func makeSymbolicLink() async throws {
    let (path, target) = (path(), "target/\(number(0..<1000))")
    let client = client
    try await both("symlink \(path)") { (tree) throws(AFSError) in
      try tree.make(.symbolicLink, path, target: target)
    } _: {
      try await client.makeSymbolicLink(path, to: target)
    }
  }

  private mutating func setPermissions() async throws {
    let (path, permissions) = (likelyFile(), UInt16(0o600 | number(0..<0o100)))
    let client = client
    if let id = try? tree.find(path), tree[id].kind != .file { return }
    try await both("chmod \(path) \(String(permissions, radix: 8))") { (tree) throws(AFSError) in
      let id = try tree.find(path)
      if tree[id].local == nil { tree[id].permissions = permissions } else { tree[id].localPermissions = permissions }
    } _: {
      try await client.setAttributes(path, AttributeChange(permissions: permissions))
    }
  }
}
