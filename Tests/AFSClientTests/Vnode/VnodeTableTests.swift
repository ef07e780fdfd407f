import AFSBase
import AFSTypes
import RxCore
import Testing

@testable import AFSClient

@Suite struct VnodeTableTests {
  private func fid(_ number: Int, in volume: Volume) -> FID {
    FID(volume: volume.id, vnode: UInt64(number), unique: 1)
  }

  @Test("Equal FIDs are one vnode") func identity() {
    let (table, volume) = (VnodeTable(countMax: 10, returns: CallbackReturns()), Sample.volume())
    let vnode = table.vnode(for: fid(1, in: volume), in: volume)
    #expect(table.vnode(for: fid(1, in: volume), in: volume) === vnode)
    #expect(table.vnode(for: vnode.key) === vnode)
  }

  @Test("At the bound the vnodes leave that nobody uses, oldest first") func eviction() {
    let (table, volume) = (VnodeTable(countMax: 10, returns: CallbackReturns()), Sample.volume())
    let held = table.vnode(for: fid(0, in: volume), in: volume)
    let open = table.vnode(for: fid(1, in: volume), in: volume).key
    table.vnode(for: open)?.withState { $0.openCount = 1 }
    for number in 2..<100 { _ = table.vnode(for: fid(number, in: volume), in: volume) }
    #expect(table.count == 10)
    #expect(table.vnode(for: held.key) === held)
    #expect(table.vnode(for: open) != nil)
    #expect(table.vnode(for: FileKey(cell: 1, fid: fid(99, in: volume))) != nil)
    #expect(table.vnode(for: FileKey(cell: 1, fid: fid(50, in: volume))) == nil)
  }

  @Test("Vnodes in use exceed the bound") func overrun() {
    let (table, volume) = (VnodeTable(countMax: 10, returns: CallbackReturns()), Sample.volume())
    let held = (0..<20).map { table.vnode(for: fid($0, in: volume), in: volume) }
    #expect(table.count == 20)
    withExtendedLifetime(held) {}
  }

  @Test("The callbacks of evicted vnodes are given up") func giveUp() {
    let returns = CallbackReturns()
    let (table, volume, server) = (VnodeTable(countMax: 1, returns: returns), Sample.volume(), Sample.server())
    for number in 0..<3 {
      let vnode = table.vnode(for: fid(number, in: volume), in: volume)
      let before = vnode.snapshot(for: server)
      let promise = CallbackPromise(server: server, serverBreaks: 0, volumeBreaks: 0, expires: Sample.second)
      vnode.fetched(
        VnodeState.Reply(
          status: Sample.status(), promise: promise, before: before, server: server, security: .none))
    }
    let batch = returns.nextBatch()
    #expect(batch?.server === server)
    #expect(Set(batch?.fids ?? []) == [fid(0, in: volume), fid(1, in: volume)])
    #expect(returns.nextBatch() == nil)
  }

  @Test("Inode numbers depend on every part of a file's name, and never on the run") func fileIDs() {
    let ids = FileIDHash(cell: "example.org")
    let fid = FID(volume: VolumeID(1), vnode: 2, unique: 3)
    let others = [
      FileIDHash(cell: "example.com").fileID(of: fid), ids.fileID(of: FID(volume: VolumeID(2), vnode: 2, unique: 3)),
      ids.fileID(of: FID(volume: VolumeID(1), vnode: 3, unique: 3)),
      ids.fileID(of: FID(volume: VolumeID(1), vnode: 2, unique: 4)), ids.fileID(of: fid),
    ]
    #expect(Set(others).count == 5)
    #expect(ids.fileID(of: fid) == 1_821_418_546_967_511_150)
  }
}
