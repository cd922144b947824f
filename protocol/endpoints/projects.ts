/** Endpoints of projects. */
import { project, projectInput } from '../project.ts';
import { answer, created, endpoint, jsonBody, listOf, noContent } from './endpoint.ts';
import { inProject } from './params.ts';

export const listProjects = endpoint({
  operationId: 'listProjects',
  method: 'get',
  path: '/api/projects',
  access: 'person',
  tag: 'Projects',
  summary: 'List the projects in which the caller has a role',
  responses: { 200: answer('The projects, oldest first', listOf(project)) },
});

export const createProject = endpoint({
  operationId: 'createProject',
  method: 'post',
  path: '/api/projects',
  access: 'admin',
  tag: 'Projects',
  summary: 'Create a project',
  request: { body: jsonBody(projectInput) },
  responses: { 201: created('The new project', project) },
  problems: ['name_taken'],
});

export const getProject = endpoint({
  operationId: 'getProject',
  method: 'get',
  path: '/api/projects/{projectId}',
  access: 'guest',
  tag: 'Projects',
  summary: 'Get a project',
  request: { params: inProject },
  responses: { 200: answer('The project', project) },
});

export const replaceProject = endpoint({
  operationId: 'replaceProject',
  method: 'put',
  path: '/api/projects/{projectId}',
  access: 'owner',
  tag: 'Projects',
  summary: 'Replace a project',
  request: { params: inProject, body: jsonBody(projectInput) },
  responses: { 200: answer('The project after the change', project) },
  problems: ['changed_meanwhile', 'name_taken'],
});

export const removeProject = endpoint({
  operationId: 'removeProject',
  method: 'delete',
  path: '/api/projects/{projectId}',
  access: 'owner',
  tag: 'Projects',
  summary: 'Remove a project with everything in it',
  description: 'Refused while it has runners or tasks that have not ended.',
  request: { params: inProject },
  responses: { 204: noContent('It is removed') },
  problems: ['changed_meanwhile', 'in_use', 'unavailable'],
});
