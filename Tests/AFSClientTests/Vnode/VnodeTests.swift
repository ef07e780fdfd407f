import AFSBase
import AFSTypes
import RxCore
import Testing

@testable import AFSClient

@Suite struct VnodeTests {
  let volume = Sample.volume()
  let server = Sample.server()
  let vnode: Vnode

  init() {
    vnode = Vnode(key: FileKey(cell: 1, fid: FID(volume: volume.id, vnode: 2, unique: 3)), volume: volume)
  }

  private func promise(_ before: BreakSnapshot, seconds: Int64 = 100) -> CallbackPromise {
    CallbackPromise(
      server: server, serverBreaks: before.serverBreaks, volumeBreaks: before.volumeBreaks,
      expires: .zero + .seconds(seconds))
  }

  private func reply(_ version: UInt64, before: BreakSnapshot, isPromised: Bool = true) -> VnodeState.Reply {
    VnodeState.Reply(
      status: Sample.status(version: version), promise: isPromised ? promise(before) : nil, before: before,
      server: server, security: .none)
  }

  @Test("A status with a promise is trusted until the promise ends") func trust() {
    let before = vnode.snapshot(for: server)
    #expect(vnode.fetched(reply(1, before: before)) == .trusted)
    #expect(vnode.trustedStatus(now: .zero)?.remaining == .seconds(100))
    #expect(vnode.trustedStatus(now: .zero + .seconds(99))?.status.dataVersion == DataVersion(1))
    #expect(vnode.trustedStatus(now: .zero + .seconds(100)) == nil)
    #expect(vnode.lastStatus != nil)
  }

  @Test("A break ends the trust") func breakAfter() {
    vnode.fetched(reply(1, before: vnode.snapshot(for: server)))
    vnode.withState { $0.callbackBroken() }
    #expect(vnode.trustedStatus(now: .zero) == nil)
  }

  @Test("A status whose fetch was crossed by a break is used once", arguments: ["file", "volume", "server"])
  func crossing(what: String) {
    let before = vnode.snapshot(for: server)
    switch what {
    case "file": vnode.withState { $0.callbackBroken() }
    case "volume": volume.callbackBroken()
    default: server.forgotCallbacks()
    }
    #expect(vnode.fetched(reply(1, before: before)) == .usedOnce)
    #expect(vnode.trustedStatus(now: .zero) == nil)
    #expect(vnode.fetched(reply(1, before: vnode.snapshot(for: server))) == .trusted)
  }

  @Test("A server that forgot its promises ends the trust in all of them") func forgetting() {
    vnode.fetched(reply(1, before: vnode.snapshot(for: server)))
    server.forgotCallbacks()
    #expect(vnode.trustedStatus(now: .zero) == nil)
  }

  @Test("A fetch that overlaps a change of our own does not replace what the change left") func overlap() {
    vnode.fetched(reply(1, before: vnode.snapshot(for: server)))
    let fetchBefore = vnode.snapshot(for: server)
    vnode.changeBegins()
    let changeBefore = vnode.snapshot(for: server)
    #expect(vnode.changeEnded(reply(2, before: changeBefore, isPromised: false)))
    #expect(vnode.fetched(reply(1, before: fetchBefore)) == .crossed)
    #expect(vnode.trustedStatus(now: .zero)?.status.dataVersion == DataVersion(2))
  }

  @Test("A fetch that lies within a change of our own is used once") func within() {
    vnode.fetched(reply(1, before: vnode.snapshot(for: server)))
    vnode.changeBegins()
    let changeBefore = vnode.snapshot(for: server)
    #expect(vnode.fetched(reply(2, before: vnode.snapshot(for: server))) == .crossed)
    #expect(vnode.changeEnded(reply(2, before: changeBefore, isPromised: false)))
    #expect(vnode.trustedStatus(now: .zero)?.status.dataVersion == DataVersion(2))
  }

  @Test("After a change of our own a version too many shows that somebody else changed it too")
  func foreignChange() {
    vnode.fetched(reply(1, before: vnode.snapshot(for: server)))
    vnode.changeBegins()
    let before = vnode.snapshot(for: server)
    vnode.withState { $0.callbackBroken() }
    #expect(!vnode.changeEnded(reply(3, before: before, isPromised: false)))
    #expect(vnode.trustedStatus(now: .zero) == nil)
  }

  @Test("Parallel changes may be answered in any order") func parallel() {
    vnode.fetched(reply(1, before: vnode.snapshot(for: server)))
    vnode.changeBegins()
    vnode.changeBegins()
    let before = vnode.snapshot(for: server)
    _ = vnode.changeEnded(reply(3, before: before, isPromised: false))
    _ = vnode.changeEnded(reply(2, before: before, isPromised: false))
    #expect(vnode.trustedStatus(now: .zero)?.status.dataVersion == DataVersion(3))
  }

  @Test("A change of unknown outcome ends the trust, a refused one does not") func failure() {
    vnode.fetched(reply(1, before: vnode.snapshot(for: server)))
    vnode.changeBegins()
    vnode.changeFailed(unchanged: true)
    #expect(vnode.trustedStatus(now: .zero) != nil)
    vnode.changeBegins()
    vnode.changeFailed(unchanged: false)
    #expect(vnode.trustedStatus(now: .zero) == nil)
  }

  @Test("In a read-only volume the newest promise holds for all files") func readOnlyVolume() {
    let volume = Sample.volume(.readOnly)
    let vnodes = (1...2).map { number in
      Vnode(key: FileKey(cell: 1, fid: FID(volume: volume.id, vnode: UInt64(number), unique: 1)), volume: volume)
    }
    for (vnode, seconds) in zip(vnodes, [10, 1000] as [Int64]) {
      var reply = reply(1, before: vnode.snapshot(for: server))
      reply.promise = promise(reply.before, seconds: seconds)
      #expect(vnode.fetched(reply) == .trusted)
    }
    #expect(vnodes[0].trustedStatus(now: .zero + .seconds(500)) != nil)
    volume.callbackBroken()
    #expect(vnodes.allSatisfy { $0.trustedStatus(now: .zero) == nil })
  }
}
