package main

import (
	"context"
	"errors"
)

func replay(context.Context, []string) (int, error)  { return 0, errors.New("not yet") }
func short(context.Context, []string) (int, error)   { return 0, errors.New("not yet") }
func mutants(context.Context, []string) (int, error) { return 0, errors.New("not yet") }
func results(context.Context, []string) (int, error) { return 0, errors.New("not yet") }
