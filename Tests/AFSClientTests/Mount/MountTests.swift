import AFSBase
import AFSTypes
import Testing

@testable import AFSClient

@Suite struct MountTests {
  /// Which volumes of a name exist, and what mount points lead to.
  struct Case: Sendable, CustomTestStringConvertible {
    var exist: [Volume.Kind]
    var name: String
    var fromReadOnly = false
    var percent = false
    var leads: Volume.Kind?
    var testDescription: String {
      "\(percent ? "%" : "#")\(name) in \(fromReadOnly ? "RO" : "RW"), \(exist.count) exist"
    }
  }

  static let cases: [Case] = [
    Case(exist: [.readWrite, .readOnly, .backup], name: "v", leads: .readWrite),
    Case(exist: [.readWrite, .readOnly, .backup], name: "v", fromReadOnly: true, leads: .readOnly),
    Case(exist: [.readWrite, .readOnly, .backup], name: "v", percent: true, leads: .readWrite),
    Case(exist: [.readWrite, .readOnly, .backup], name: "v", fromReadOnly: true, percent: true, leads: .readWrite),
    // What is missing is replaced, unless it was asked for by name.
    Case(exist: [.readWrite], name: "v", fromReadOnly: true, leads: .readWrite),
    Case(exist: [.readOnly], name: "v", leads: .readOnly),
    Case(exist: [.readOnly], name: "v", percent: true, leads: nil),
    Case(exist: [.backup], name: "v", leads: nil),
    Case(exist: [], name: "v", fromReadOnly: true, leads: nil),
    // Names and numbers that say which.
    Case(exist: [.readWrite, .readOnly], name: "v.readonly", leads: .readOnly),
    Case(exist: [.readWrite, .readOnly], name: "v.readonly", percent: true, leads: .readOnly),
    Case(exist: [.readWrite], name: "v.readonly", fromReadOnly: true, leads: nil),
    Case(exist: [.readWrite, .readOnly, .backup], name: "v.backup", fromReadOnly: true, leads: .backup),
    Case(exist: [.readWrite, .readOnly], name: "v.backup", leads: nil),
    Case(exist: [.readWrite, .readOnly, .backup], name: "10", fromReadOnly: true, leads: .readWrite),
    Case(exist: [.readWrite, .readOnly, .backup], name: "11", leads: .readOnly),
    Case(exist: [.readWrite, .readOnly, .backup], name: "12", leads: .backup),
    Case(exist: [.readWrite, .readOnly, .backup], name: "99", leads: nil),
    // No number, though Swift would read it as one.
    Case(exist: [.readWrite, .readOnly, .backup], name: "+11", leads: .readWrite),
  ]

  @Test("Which volume a mount point leads to", arguments: cases)
  func choice(of test: Case) {
    let numbers: [Volume.Kind: VolumeID] = [
      .readWrite: VolumeID(10), .readOnly: VolumeID(11), .backup: VolumeID(12),
    ]
    let location = VolumeLocation(baseName: "v", ids: numbers.filter { test.exist.contains($0.key) }, sites: [])
    let choice = VolumeChoice(prefersReadOnly: test.fromReadOnly, wantsReadWrite: test.percent)
    #expect(choice.kind(of: test.name, at: location) == test.leads)
  }

  @Test("Equal traversals are one mount, different ones are not") func table() {
    let table = MountTable()
    let root = Mount(number: 0, parent: nil, point: DynamicRoot.rootKey)
    let point = FileKey(cell: 1, fid: FID(volume: VolumeID(1), vnode: 2, unique: 3))
    let first = table.mount(at: point, in: root)
    #expect(table.mount(at: point, in: root) === first)
    let nested = table.mount(at: point, in: first)
    #expect(nested !== first)
    #expect(nested.depth == 2)
    #expect(Set([root.number, first.number, nested.number]).count == 3)
  }

  @Test("Mounts that nobody refers to are forgotten") func purge() {
    let table = MountTable()
    let root = Mount(number: 0, parent: nil, point: DynamicRoot.rootKey)
    for number in 0..<5000 {
      _ = table.mount(at: FileKey(cell: 1, fid: FID(volume: VolumeID(1), vnode: UInt64(number), unique: 3)), in: root)
    }
    #expect(table.count <= 1024)
  }

  @Test("Names of the dynamic root") func dynamicRoot() {
    let cell = CellName("example.org")!
    #expect(DynamicRoot.meaning(of: Array("example.org".utf8)) == .cell(cell, isReadWrite: false))
    #expect(DynamicRoot.meaning(of: Array(".example.org".utf8)) == .cell(cell, isReadWrite: true))
    #expect(DynamicRoot.meaning(of: Array("@cell".utf8)) == .localCell)
    #expect(DynamicRoot.meaning(of: Array("no cell".utf8)) == nil)
    #expect(DynamicRoot.key(of: "example.org") != DynamicRoot.key(of: ".example.org"))
    #expect(DynamicRoot.key(of: "example.org") == DynamicRoot.key(of: "example.org"))
  }
}
