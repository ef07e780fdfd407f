import AFSBase
import AFSTypes
import Testing

@testable import AFSClient

@Suite struct MountTests {
  private let both = VolumeLocation(
    baseName: "root.cell", ids: [.readWrite: VolumeID(10), .readOnly: VolumeID(11), .backup: VolumeID(12)], sites: [])
  private let readWriteOnly = VolumeLocation(baseName: "user.me", ids: [.readWrite: VolumeID(20)], sites: [])

  @Test("From a read-only volume `#` leads to the read-only volume, if there is one")
  func fromReadOnly() {
    let choice = VolumeChoice(prefersReadOnly: true, wantsReadWrite: false)
    #expect(choice.kind(of: "root.cell", at: both) == .readOnly)
    #expect(choice.kind(of: "user.me", at: readWriteOnly) == .readWrite)
  }

  @Test("From a read-write volume `#` leads to the read-write volume") func fromReadWrite() {
    let choice = VolumeChoice(prefersReadOnly: false, wantsReadWrite: false)
    #expect(choice.kind(of: "root.cell", at: both) == .readWrite)
  }

  @Test("`%` leads to the read-write volume from everywhere", arguments: [true, false]) func percent(readOnly: Bool) {
    let choice = VolumeChoice(prefersReadOnly: readOnly, wantsReadWrite: true)
    #expect(choice.kind(of: "root.cell", at: both) == .readWrite)
  }

  @Test("A name with a suffix, or a number, means what it says") func explicit() {
    let choice = VolumeChoice(prefersReadOnly: false, wantsReadWrite: false)
    #expect(choice.kind(of: "root.cell.readonly", at: both) == .readOnly)
    #expect(choice.kind(of: "root.cell.backup", at: both) == .backup)
    #expect(choice.kind(of: "11", at: both) == .readOnly)
    #expect(choice.kind(of: "99", at: both) == nil)
    #expect(choice.kind(of: "user.me.readonly", at: readWriteOnly) == nil)
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
