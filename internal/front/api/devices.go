package api

import (
	"context"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

type addDevice struct{ Body app.DeviceOptions }

type renameDevice struct {
	Device string `path:"device" doc:"A label, or a key or its beginning."`
	Body   struct {
		Label string `json:"label"`
	}
}

type removeDevice struct{ Body app.DeviceRemoval }

type resolveFork struct{ Body app.BranchChoice }

type recoveryCode struct {
	Recovery string `json:"recovery"`
}

// Operations on devices. Making one, or a recovery code, takes the node's machine: a
// device outlives the token with which it was made.
var (
	devicesOp      = op[none, []policy.Device]{at: "GET /api/devices", does: "Devices of the node's member", may: reads}
	addDeviceOp    = op[addDevice, app.Invitation]{at: "POST /api/devices", does: "Make a link with which one more device of the node's member joins", may: localWrites}
	renameDeviceOp = op[renameDevice, policy.Device]{at: "PUT /api/devices/{device}/label", does: "Give a device of the node's member another label", may: writes}
	removeDeviceOp = op[removeDevice, policy.Device]{at: "POST /api/devices/remove", does: "End a device, of the node's member or of another", may: writes}
	resolveForkOp  = op[resolveFork, policy.Device]{at: "POST /api/devices/resolve", does: "Choose the branch of a forked device that counts; the device ends", may: writes}
	recoveryOp     = op[none, recoveryCode]{at: "POST /api/recovery", does: "Make the recovery code of the node's member; it is shown this once", may: localWrites}
)

func (s *server) addDevices() {
	devicesOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]policy.Device, error) {
		return m.Members.Devices(ctx)
	})
	addDeviceOp.serve(s, func(ctx context.Context, m *app.Session, in addDevice) (app.Invitation, error) {
		return m.Members.AddDevice(ctx, in.Body)
	})
	renameDeviceOp.serve(s, func(ctx context.Context, m *app.Session, in renameDevice) (policy.Device, error) {
		return m.Members.RenameDevice(ctx, in.Device, in.Body.Label)
	})
	removeDeviceOp.serve(s, func(ctx context.Context, m *app.Session, in removeDevice) (policy.Device, error) {
		return m.Members.RemoveDevice(ctx, in.Body)
	})
	resolveForkOp.serve(s, func(ctx context.Context, m *app.Session, in resolveFork) (policy.Device, error) {
		return m.Members.ResolveFork(ctx, in.Body)
	})
	recoveryOp.serve(s, func(ctx context.Context, m *app.Session, _ none) (recoveryCode, error) {
		code, err := m.Members.Recovery(ctx)
		return recoveryCode{code}, err
	})
}

func (c membersClient) Devices(ctx context.Context) ([]policy.Device, error) {
	return devicesOp.call(ctx, c.client, none{})
}

func (c membersClient) AddDevice(ctx context.Context, o app.DeviceOptions) (app.Invitation, error) {
	return addDeviceOp.call(ctx, c.client, addDevice{o})
}

func (c membersClient) RenameDevice(ctx context.Context, device, label string) (policy.Device, error) {
	in := renameDevice{Device: device}
	in.Body.Label = label
	return renameDeviceOp.call(ctx, c.client, in)
}

func (c membersClient) RemoveDevice(ctx context.Context, r app.DeviceRemoval) (policy.Device, error) {
	return removeDeviceOp.call(ctx, c.client, removeDevice{r})
}

func (c membersClient) ResolveFork(ctx context.Context, choice app.BranchChoice) (policy.Device, error) {
	return resolveForkOp.call(ctx, c.client, resolveFork{choice})
}

func (c membersClient) Recovery(ctx context.Context) (string, error) {
	code, err := recoveryOp.call(ctx, c.client, none{})
	return code.Recovery, err
}
